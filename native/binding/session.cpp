#include "native/binding/session.h"

#include <string>

#include "native/binding/job.h"
#include "native/cpu/dispatch.h"

namespace circle::binding {

void SharedEngine::account(Napi::Env env) {
  const int64_t bytes = closed_ ? 0 : bytes_.load();
  if (bytes == accounted_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - accounted_);
  accounted_ = bytes;
}

void SharedEngine::close(Napi::Env env) {
  closed_ = true;
  account(env);
}

Outcome run_compute(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Problem problem{};
  Results results{};
  Outcome outcome{Status::kInvalid};
  if (make_problem(arrays, problem, results))
    outcome = engine.with_engine([&](cpu::Engine& e) { return e.compute(problem, results, abort); });
  write_report(arrays, outcome, &results);
  return outcome;
}

Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Outcome outcome{Status::kInvalid};
  if (make_rows(arrays, rows) && arrays.gradient.length % rows.candidate_count == 0 &&
      arrays.gradient.length / rows.candidate_count == rows.anchor_count)
    outcome = engine.with_engine([&](cpu::Engine& e) { return e.similarity(rows, arrays.gradient.data, abort); });
  write_report(arrays, outcome, nullptr);
  return outcome;
}

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&Session::compute>("compute"), InstanceMethod<&Session::compute_async>("computeAsync"),
       InstanceMethod<&Session::similarity>("similarity"),
       InstanceMethod<&Session::similarity_async>("similarityAsync"), InstanceMethod<&Session::release>("release"),
       InstanceMethod<&Session::workspace_bytes>("workspaceBytes")});
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
  const std::string variant = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
  const cpu::Kernels* const kernels = cpu::find_kernels(variant.c_str());
  if (!kernels) {
    Napi::TypeError::New(info.Env(), "Session: no such variant on this CPU: \"" + variant + "\".")
        .ThrowAsJavaScriptException();
    return;
  }
  engine_ = std::make_shared<SharedEngine>(*kernels);
}

Session::~Session() {
  if (engine_) engine_->close(Env());
}

Napi::Value Session::compute(const Napi::CallbackInfo& info) {
  CallArrays arrays;
  if (!read_compute_arguments(info, arrays)) return info.Env().Undefined();
  const Outcome outcome = run_compute(*engine_, arrays, nullptr);
  engine_->account(info.Env());
  return Napi::Number::New(info.Env(), static_cast<int>(outcome.status));
}

Napi::Value Session::similarity(const Napi::CallbackInfo& info) {
  CallArrays arrays;
  if (!read_similarity_arguments(info, arrays)) return info.Env().Undefined();
  const Outcome outcome = run_similarity(*engine_, arrays, nullptr);
  engine_->account(info.Env());
  return Napi::Number::New(info.Env(), static_cast<int>(outcome.status));
}

Napi::Value Session::compute_async(const Napi::CallbackInfo& info) {
  CallArrays arrays;
  if (!read_compute_arguments(info, arrays)) return info.Env().Undefined();
  return start_job(info, engine_, arrays, run_compute);
}

Napi::Value Session::similarity_async(const Napi::CallbackInfo& info) {
  CallArrays arrays;
  if (!read_similarity_arguments(info, arrays)) return info.Env().Undefined();
  return start_job(info, engine_, arrays, run_similarity);
}

Napi::Value Session::release(const Napi::CallbackInfo& info) {
  engine_->release();
  engine_->account(info.Env());
  return info.Env().Undefined();
}

Napi::Value Session::workspace_bytes(const Napi::CallbackInfo& info) {
  engine_->account(info.Env());
  return Napi::Number::New(info.Env(), static_cast<double>(engine_->workspace_bytes()));
}

}  // namespace circle::binding
