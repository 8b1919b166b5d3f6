// NativeSession of lib/native.ts: an engine that JavaScript holds.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>

#include "native/binding/call.h"
#include "native/cpu/engine.h"

namespace circle::binding {

// The engine, shared between the JavaScript object and jobs in flight, one call at a time. A call that finds
// it taken computes on an engine of its own and throws that away: concurrent calls are right before they are
// lean.
class SharedEngine {
 public:
  explicit SharedEngine(const cpu::Kernels& kernels) : kernels_(kernels), engine_(kernels) {}

  template <class Run>
  Outcome with_engine(const Run& run) {
    std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
    if (lock.owns_lock()) return run(engine_);
    cpu::Engine own(kernels_);
    return run(own);
  }

  // Waits for a running job: a workspace in use cannot go.
  void release();
  int64_t workspace_bytes();

 private:
  const cpu::Kernels& kernels_;
  std::mutex busy_;
  cpu::Engine engine_;
};

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
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value workspace_bytes(const Napi::CallbackInfo& info);

  // Tells the garbage collector what the workspace weighs.
  void account(Napi::Env env);

  std::shared_ptr<SharedEngine> engine_;
  int64_t accounted_ = 0;
};

// Runs a call and fills its report.
Outcome run_compute(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);

}  // namespace circle::binding
