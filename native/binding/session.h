// NativeSession of lib/native.ts: an engine that JavaScript holds.
#pragma once

#include <napi.h>

#include <memory>

#include "native/binding/arguments.h"
#include "native/binding/shared_engine.h"

namespace circle::binding {

// Tells the garbage collector what the engine's workspace weighs by now. On the JavaScript thread only.
void account(Napi::Env env, SharedEngine& engine);

class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit Session(const Napi::CallbackInfo& info);
  ~Session() override;

 private:
  Napi::Value compute(const Napi::CallbackInfo& info);
  Napi::Value compute_async(const Napi::CallbackInfo& info);
  Napi::Value similarity(const Napi::CallbackInfo& info);
  Napi::Value similarity_async(const Napi::CallbackInfo& info);
  Napi::Value nearest(const Napi::CallbackInfo& info);
  Napi::Value nearest_async(const Napi::CallbackInfo& info);
  Napi::Value rank(const Napi::CallbackInfo& info);
  Napi::Value rank_async(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value workspace_bytes(const Napi::CallbackInfo& info);

  using ReadArguments = bool (*)(const Napi::CallbackInfo& info, CallArrays& arrays);
  Napi::Value now(const Napi::CallbackInfo& info, ReadArguments read, RunCall run);
  Napi::Value later(const Napi::CallbackInfo& info, ReadArguments read, RunCall run);

  std::shared_ptr<SharedEngine> engine_;
};

}  // namespace circle::binding
