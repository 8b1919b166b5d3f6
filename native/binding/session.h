// NativeSession of lib/native.ts: an engine that JavaScript holds.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "native/binding/call.h"
#include "native/core/try_lock.h"
#include "native/cpu/engine.h"

namespace circle::binding {

// The engine, shared between the JavaScript object and jobs in flight, one call at a time. A call that finds it taken
// computes on an engine of its own and throws that away: concurrent calls are right before they are lean.
class SharedEngine {
 public:
  explicit SharedEngine(const cpu::Kernels& kernels) : kernels_(kernels), engine_(kernels) {}

  // On any thread.
  template <class Run>
  Outcome with_engine(const Run& run) {
    std::unique_lock<TryLock> lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) {
      cpu::Engine own(kernels_);
      return run(own);
    }
    const Outcome outcome = run(engine_);
    bytes_ = engine_.workspace_bytes();
    lock.unlock();
    release_if_asked();
    return outcome;
  }

  // Frees the workspace, now or at the end of the call that has it: never waits.
  void release() {
    release_asked_ = true;
    release_if_asked();
  }

  int64_t workspace_bytes() const { return bytes_; }

  // On the JavaScript thread only: tells the garbage collector what the workspace weighs; nothing any more once the
  // JavaScript object is gone.
  void account(Napi::Env env);
  void close(Napi::Env env);

 private:
  // Looks again after each unlocking: who asks meanwhile finds the engine taken and leaves the release to us.
  void release_if_asked() {
    while (release_asked_) {
      std::unique_lock<TryLock> lock(busy_, std::try_to_lock);
      if (!lock.owns_lock()) return;
      release_asked_ = false;
      engine_.release();
      bytes_ = 0;
    }
  }

  const cpu::Kernels& kernels_;
  TryLock busy_;
  cpu::Engine engine_;
  std::atomic<int64_t> bytes_{0};
  std::atomic<bool> release_asked_{false};
  int64_t accounted_ = 0;
  bool closed_ = false;
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

  std::shared_ptr<SharedEngine> engine_;
};

// Runs a call and fills its report.
Outcome run_compute(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);

}  // namespace circle::binding
