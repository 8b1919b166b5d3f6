// A lock that is taken or not, as native/core/try_lock.h, and that a call may also wait for; std::unique_lock holds it.
// std::mutex would do, but for its try_lock, which needs glibc 2.34.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace circle::binding {

class EngineLock {
 public:
  // False where `abort`, which may be null, became true meanwhile.
  bool lock_unless(const std::atomic<bool>* abort) {
    std::unique_lock<std::mutex> guard(mutex_);
    // Nobody notifies of an abort: it is looked at a hundred times a second.
    while (!free_.wait_for(guard, std::chrono::milliseconds(10), [&] { return !taken_; }))
      if (abort && abort->load(std::memory_order_relaxed)) return false;
    taken_ = true;
    return true;
  }
  void lock() { (void)lock_unless(nullptr); }
  bool try_lock() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (taken_) return false;
    taken_ = true;
    return true;
  }
  void unlock() {
    const std::lock_guard<std::mutex> guard(mutex_);
    taken_ = false;
    free_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

}  // namespace circle::binding
