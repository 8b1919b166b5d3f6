#include "native/binding/session.h"

#include <string>

#include "native/binding/job.h"

namespace circle::binding {
namespace {

// Memory of another device would be a wild pointer. Moments are where the candidates are.
bool has_its_candidates(const SharedEngine& engine, const CallArrays& arrays) {
  const int device = arrays.candidates.on_device.device;
  return device == kHostMemory || device == engine.device();
}

}  // namespace

std::shared_ptr<SharedEngine> SharedEngine::open(const std::string& variant, int device) {
  std::unique_ptr<Engine> engine = engine_kind().open(variant, device);
  return engine ? std::make_shared<SharedEngine>(variant, device, std::move(engine)) : nullptr;
}

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
  LossProblem made;
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_problem(arrays, made))
    outcome = engine.with_engine(abort, [&](Engine& e) { return e.compute(made.problem, made.results, abort); });
  write_report(arrays.report, outcome, &made.results);
  return outcome;
}

Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_rows(arrays, rows) &&
      arrays.gradient.length % rows.candidate_count == 0 &&
      arrays.gradient.length / rows.candidate_count == rows.anchor_count)
    outcome = engine.with_engine(abort, [&](Engine& e) { return e.similarity(rows, arrays.gradient.data, abort); });
  write_report(arrays.report, outcome, nullptr);
  return outcome;
}

Outcome run_nearest(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Nearest nearest{};
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_rows(arrays, rows) && make_nearest(arrays, rows, nearest))
    outcome = engine.with_engine(abort, [&](Engine& e) { return e.nearest(rows, nearest, abort); });
  write_report(arrays.report, outcome, nullptr);
  return outcome;
}

Outcome run_rank(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Ranking ranking{};
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_rows(arrays, rows) && make_ranking(arrays, rows, ranking))
    outcome = engine.with_engine(abort, [&](Engine& e) { return e.rank(rows, ranking, abort); });
  write_report(arrays.report, outcome, nullptr);
  return outcome;
}

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&Session::compute>("compute"), InstanceMethod<&Session::compute_async>("computeAsync"),
       InstanceMethod<&Session::similarity>("similarity"),
       InstanceMethod<&Session::similarity_async>("similarityAsync"), InstanceMethod<&Session::nearest>("nearest"),
       InstanceMethod<&Session::nearest_async>("nearestAsync"), InstanceMethod<&Session::rank>("rank"),
       InstanceMethod<&Session::rank_async>("rankAsync"), InstanceMethod<&Session::release>("release"),
       InstanceMethod<&Session::workspace_bytes>("workspaceBytes")});
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
  const std::string variant = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
  const int device = info[1].IsNumber() ? info[1].As<Napi::Number>().Int32Value() : 0;
  engine_ = SharedEngine::open(variant, device);
  if (!engine_)
    Napi::TypeError::New(info.Env(), "Session: no such variant here: \"" + variant + "\".")
        .ThrowAsJavaScriptException();
}

Session::~Session() {
  if (engine_) engine_->close(Env());
}

Napi::Value Session::compute(const Napi::CallbackInfo& info) {
  return now(info, read_compute_arguments, run_compute);
}
Napi::Value Session::similarity(const Napi::CallbackInfo& info) {
  return now(info, read_similarity_arguments, run_similarity);
}
Napi::Value Session::nearest(const Napi::CallbackInfo& info) {
  return now(info, read_nearest_arguments, run_nearest);
}
Napi::Value Session::rank(const Napi::CallbackInfo& info) {
  return now(info, read_rank_arguments, run_rank);
}

Napi::Value Session::compute_async(const Napi::CallbackInfo& info) {
  return later(info, read_compute_arguments, run_compute);
}
Napi::Value Session::similarity_async(const Napi::CallbackInfo& info) {
  return later(info, read_similarity_arguments, run_similarity);
}
Napi::Value Session::nearest_async(const Napi::CallbackInfo& info) {
  return later(info, read_nearest_arguments, run_nearest);
}
Napi::Value Session::rank_async(const Napi::CallbackInfo& info) {
  return later(info, read_rank_arguments, run_rank);
}

Napi::Value Session::now(const Napi::CallbackInfo& info, ReadArguments read, RunCall run) {
  CallArrays arrays;
  if (!read(info, arrays)) return info.Env().Undefined();
  const Outcome outcome = run(*engine_, arrays, nullptr);
  engine_->account(info.Env());
  return Napi::Number::New(info.Env(), static_cast<int>(outcome.status));
}

Napi::Value Session::later(const Napi::CallbackInfo& info, ReadArguments read, RunCall run) {
  CallArrays arrays;
  if (!read(info, arrays)) return info.Env().Undefined();
  return start_job(info, engine_, std::move(arrays), run);
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
