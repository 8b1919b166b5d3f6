#include "native/binding/session.h"

#include <string>

#include "native/binding/job.h"

namespace circle::binding {

void account(Napi::Env env, SharedEngine& engine) {
  if (const int64_t growth = engine.take_growth()) Napi::MemoryManagement::AdjustExternalMemory(env, growth);
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
  if (!engine_) return;
  engine_->close();
  account(Env(), *engine_);
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
  account(info.Env(), *engine_);
  return Napi::Number::New(info.Env(), static_cast<int>(outcome.status));
}

Napi::Value Session::later(const Napi::CallbackInfo& info, ReadArguments read, RunCall run) {
  CallArrays arrays;
  if (!read(info, arrays)) return info.Env().Undefined();
  return start_job(info, engine_, std::move(arrays), run);
}

Napi::Value Session::release(const Napi::CallbackInfo& info) {
  engine_->release();
  account(info.Env(), *engine_);
  return info.Env().Undefined();
}

Napi::Value Session::workspace_bytes(const Napi::CallbackInfo& info) {
  account(info.Env(), *engine_);
  return Napi::Number::New(info.Env(), static_cast<double>(engine_->workspace_bytes()));
}

}  // namespace circle::binding
