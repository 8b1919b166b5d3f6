// A lock that is taken or not, and that nobody waits for; std::unique_lock with std::try_to_lock holds it. std::mutex
// has this too, but its try_lock would need glibc 2.34, the rest of the addon 2.32.
#pragma once

#include <atomic>

namespace circle {

class TryLock {
 public:
  bool try_lock() { return !taken_.exchange(true, std::memory_order_acquire); }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

}  // namespace circle
