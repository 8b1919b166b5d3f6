#include "native/binding/cuda_rows.h"

#include <cmath>
#include <condition_variable>
#include <mutex>
#include <new>

#include "native/binding/arguments.h"
#include "native/core/waiting.h"

namespace circle::binding {

class HeldRows {
 public:
  explicit HeldRows(std::unique_ptr<cuda::DeviceRows> rows) : rows_(std::move(rows)) {}

  cuda::DeviceRows& rows() const { return *rows_; }

  void begin_use() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++users_;
  }
  void end_use() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--users_ == 0) unused_.notify_all();
  }
  // Only JavaScript's thread begins uses, and it is the one that waits: none can begin meanwhile.
  void wait_until_unused() {
    std::unique_lock<std::mutex> lock(mutex_);
    wait_until(unused_, lock, [&] { return users_ == 0; });
  }

 private:
  const std::unique_ptr<cuda::DeviceRows> rows_;
  std::mutex mutex_;
  std::condition_variable unused_;
  int64_t users_ = 0;
};

namespace {

// Tells these objects from any other that wraps something native.
constexpr napi_type_tag kRowsTag = {0x2f1b6c0d9a4e4d37, 0x8c55e1b7f0a3692e};

std::shared_ptr<void> use_of(const std::shared_ptr<HeldRows>& held) {
  held->begin_use();
  return {held.get(), [held](void*) { held->end_use(); }};
}

// An integer from `least` to `greatest`.
bool read_integer(Napi::Value value, int64_t least, int64_t greatest, int64_t& out) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(greatest)) ||
      number != std::floor(number))
    return false;
  out = static_cast<int64_t>(number);
  return true;
}

Napi::Value refuse(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

struct RowsCall {
  View<double> report;
  View<float> values;
  int64_t first_row, rows;
};

// (report, values, firstRow) of rows that lie within those held.
bool read_call(const Napi::CallbackInfo& info, const HeldRows* held, RowsCall& call) {
  if (!held || !read_report(info[0], call.report) || !read_floats(info[1], call.values)) return false;
  const int64_t dim = held->rows().dim(), all = held->rows().rows();
  if (!read_integer(info[2], 0, all, call.first_row) || call.values.length % dim != 0) return false;
  call.rows = call.values.length / dim;
  return call.rows <= all - call.first_row;
}

Napi::Value finish(Napi::Env env, const View<double>& report, const Outcome& outcome) {
  write_report(report, outcome, nullptr);
  return Napi::Number::New(env, static_cast<int>(outcome.status));
}

}  // namespace

Napi::Function CudaRows::define(Napi::Env env) {
  return DefineClass(env, "DeviceRows",
                     {InstanceMethod<&CudaRows::write>("write"), InstanceMethod<&CudaRows::read>("read"),
                      InstanceMethod<&CudaRows::dispose>("dispose"), InstanceMethod<&CudaRows::bytes>("bytes")});
}

bool CudaRows::read_argument(Napi::Value value, DeviceArgument& out) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kRowsTag)) return false;
  const CudaRows* const wrapped = Unwrap(value.As<Napi::Object>());
  if (!wrapped || !wrapped->held_) return false;
  const cuda::DeviceRows& rows = wrapped->held_->rows();
  out = {rows.data(), rows.rows() * rows.dim(), rows.device(), use_of(wrapped->held_)};
  return true;
}

CudaRows::CudaRows(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CudaRows>(info) {
  View<double> report;
  int64_t device, rows, dim;
  if (!read_report(info[0], report) || !read_integer(info[1], 0, INT32_MAX, device) ||
      !read_integer(info[2], 1, INT32_MAX, rows) || !read_integer(info[3], 1, INT32_MAX, dim)) {
    refuse(info.Env(), "DeviceRows(report, device, rows, dim).");
    return;
  }
  std::unique_ptr<cuda::DeviceRows> created;
  Outcome outcome = cuda::DeviceRows::create(static_cast<int>(device), rows, dim, created);
  if (outcome.ok()) try {
      held_ = std::make_shared<HeldRows>(std::move(created));
    } catch (const std::bad_alloc&) {
      outcome = {Status::kOutOfMemory};
    }
  info.This().As<Napi::Object>().TypeTag(&kRowsTag);
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), held_bytes());
  write_report(report, outcome, nullptr);
}

CudaRows::~CudaRows() {
  let_go();
}

int64_t CudaRows::held_bytes() const {
  return held_ ? held_->rows().rows() * held_->rows().dim() * static_cast<int64_t>(sizeof(float)) : 0;
}

// Calls in flight have their own hold; the memory goes with the last of them.
void CudaRows::let_go() {
  if (!held_) return;
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -held_bytes());
  held_.reset();
}

Napi::Value CudaRows::write(const Napi::CallbackInfo& info) {
  RowsCall call;
  if (!read_call(info, held_.get(), call)) return refuse(info.Env(), "DeviceRows.write(report, values, firstRow).");
  held_->wait_until_unused();
  return finish(info.Env(), call.report, held_->rows().write(call.values.data, call.first_row, call.rows));
}

Napi::Value CudaRows::read(const Napi::CallbackInfo& info) {
  RowsCall call;
  if (!read_call(info, held_.get(), call)) return refuse(info.Env(), "DeviceRows.read(report, values, firstRow).");
  return finish(info.Env(), call.report, held_->rows().read(call.values.data, call.first_row, call.rows));
}

Napi::Value CudaRows::dispose(const Napi::CallbackInfo& info) {
  let_go();
  return info.Env().Undefined();
}

Napi::Value CudaRows::bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(held_bytes()));
}

}  // namespace circle::binding
