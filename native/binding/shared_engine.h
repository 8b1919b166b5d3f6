// An engine that several calls of one session may want at once, and what each call of it does. Nothing of Node.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "native/binding/admission.h"
#include "native/binding/call.h"
#include "native/binding/engine_kind.h"
#include "native/binding/engine_lock.h"

namespace circle::binding {

// The engine, shared between the JavaScript object and jobs in flight, one call at a time. What a call does that finds
// it taken is a property of the engine's kind (WhenTaken).
class SharedEngine {
 public:
  // Null where there is no such variant here. Throws std::bad_alloc, as nothing else here does.
  static std::shared_ptr<SharedEngine> open(const std::string& variant, int device);

  SharedEngine(std::string variant, int device, std::unique_ptr<Engine> engine)
      : variant_(std::move(variant)), device_(device), engine_(std::move(engine)) {}

  // On any thread, which it holds while it waits: asynchronous calls, those with an `abort`, take a thread of libuv's pool
  // each. A synchronous one keeps the JavaScript thread waiting, and is admitted at once.
  template <class Run>
  Outcome with_engine(const Rows& rows, const std::atomic<bool>* abort, const Run& run) {
    if (!abort || !engine_kind().threads) return with_engine(abort, run);
    const int share = Admission::share_of(engine_kind().threads(rows));
    if (!Admission::of_process().enter_unless(share, *abort)) return {Status::kAborted};
    const Outcome outcome = with_engine(abort, run);
    Admission::of_process().leave(share);
    return outcome;
  }

  // After an abort: the call may be waiting for its turn.
  void wake() {
    Admission::of_process().wake();
    busy_.wake();
  }

  // Frees the workspace, now or at the end of the call that has it: never waits.
  void release() {
    release_asked_ = true;
    release_if_asked();
  }

  int64_t workspace_bytes() const { return bytes_; }
  int device() const { return device_; }

  // On the JavaScript thread only: by how much the workspace has grown since this was last asked, for the garbage
  // collector; once the JavaScript object is gone, it weighs nothing.
  int64_t take_growth();
  void close() { closed_ = true; }

 private:
  template <class Run>
  Outcome with_engine(const std::atomic<bool>* abort, const Run& run) {
    std::unique_lock<EngineLock> lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) {
      if (engine_kind().when_taken == WhenTaken::kOpenAnother)
        return or_out_of_memory([&] { return run(*engine_kind().open(variant_, device_)); });
      if (!busy_.lock_unless(abort)) return {Status::kAborted};
      lock = std::unique_lock<EngineLock>(busy_, std::adopt_lock);
    }
    const Outcome outcome = or_out_of_memory([&] { return run(*engine_); });
    bytes_ = engine_->workspace_bytes();
    lock.unlock();
    release_if_asked();
    return outcome;
  }

  // Engines do not throw, but making one may, and starting a call of one that needs the driver's.
  template <class Call>
  static Outcome or_out_of_memory(const Call& call) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      return {Status::kOutOfMemory};
    }
  }

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
  int64_t told_ = 0;
  bool closed_ = false;
};

// A call with its arguments read: computes and fills its report. Never throws: on libuv's threads nobody would catch it.
using RunCall = Outcome (*)(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);

Outcome run_compute(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_nearest(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);
Outcome run_rank(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort);

}  // namespace circle::binding
