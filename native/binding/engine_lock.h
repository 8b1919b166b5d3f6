// A lock that is taken or not, as native/core/try_lock.h, and that a call may also wait for; std::unique_lock holds it.
// std::mutex would do, but for its try_lock, which needs glibc 2.34, as waiting with a time limit would.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "native/core/waiting.h"

namespace circle::binding {

class EngineLock {
 public:
  // False where `abort`, which may be null, is true before the lock is free.
  bool lock_unless(const std::atomic<bool>* abort) {
    std::unique_lock<std::mutex> guard(mutex_);
    const auto aborted = [&] { return abort && abort->load(std::memory_order_relaxed); };
    wait_until(changed_, guard, [&] { return !taken_ || aborted(); });
    if (taken_) return false;
    taken_ = true;
    return true;
  }
  bool try_lock() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (taken_) return false;
    taken_ = true;
    return true;
  }
  void unlock() {
    const std::lock_guard<std::mutex> guard(mutex_);
    taken_ = false;
    changed_.notify_all();
  }
  // After a flag that somebody waits with has changed.
  void wake() {
    const std::lock_guard<std::mutex> guard(mutex_);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false;
};

}  // namespace circle::binding
