// A lock that is taken or not, as native/core/try_lock.h, and that a call may also wait for; std::unique_lock holds it.
// std::mutex would do, but for its try_lock, which needs glibc 2.34.
#pragma once

#include <condition_variable>
#include <mutex>

namespace circle::binding {

class EngineLock {
 public:
  void lock() {
    std::unique_lock<std::mutex> guard(mutex_);
    free_.wait(guard, [&] { return !taken_; });
    taken_ = true;
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
    free_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

}  // namespace circle::binding
