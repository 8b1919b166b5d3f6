// NativeSession of lib/native.ts: an engine that JavaScript holds.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "native/binding/call.h"
#include "native/binding/engine_kind.h"
#include "native/binding/engine_lock.h"

namespace circle::binding {

// The engine, shared between the JavaScript object and jobs in flight, one call at a time. What a call does that finds
// it taken is a property of the engine's kind (WhenTaken).
class SharedEngine {
 public:
  // Null where there is no such variant here.
  static std::shared_ptr<SharedEngine> open(const std::string& variant, int device);

  SharedEngine(std::string variant, int device, std::unique_ptr<Engine> engine)
      : variant_(std::move(variant)), device_(device), engine_(std::move(engine)) {}

  // On any thread, which it holds while it waits: asynchronous calls of one session take a thread of libuv's pool each.
  template <class Run>
  Outcome with_engine(const std::atomic<bool>* abort, const Run& run) {
    std::unique_lock<EngineLock> lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) {
      if (engine_kind().when_taken == WhenTaken::kOpenAnother) return run(*engine_kind().open(variant_, device_));
      if (!busy_.lock_unless(abort)) return {Status::kAborted};
      lock = std::unique_lock<EngineLock>(busy_, std::adopt_lock);
    }
    const Outcome outcome = run(*engine_);
    bytes_ = engine_->workspace_bytes();
    lock.unlock();
    release_if_asked();
    return outcome;
  }

  // After an abort: the call may be waiting for its turn.
  void wake() { busy_.wake(); }

  // Frees the workspace, now or at the end of the call that has it: never waits.
  void release() {
    release_asked_ = true;
    release_if_asked();
  }

  int64_t workspace_bytes() const { return bytes_; }
  int device() const { return device_; }

  // On the JavaScript thread only: tells the garbage collector what the workspace weighs; nothing any more once the
  // JavaScript object is gone.
  void account(Napi::Env env);
  void close(Napi::Env env);

 private:
  // Looks again after each unlocking: who asks meanwhile finds the engine taken and leaves the release to us.
  void release_if_asked() {
    while (release_asked_) {
      std::unique_lock<EngineLock> lock(busy_, std::try_to_lock);
      if (!lock.owns_lock()) return;
      release_asked_ = false;
      engine_->release();
      bytes_ = 0;
    }
  }

  const std::string variant_;
  const int device_;
  EngineLock busy_;
  const std::unique_ptr<Engine> engine_;
  std::atomic<int64_t> bytes_{0};
  std::atomic<bool> release_asked_{false};
  int64_t accounted_ = 0;
  bool closed_ = false;
};

// A call with its arguments read: computes and fills its report.
using RunCall = Outcome (*)(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);

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

Outcome run_compute(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_nearest(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_rank(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);

}  // namespace circle::binding
