// Waiting for a condition. std::condition_variable::wait would do, but is in the libstdc++ of GCC 12 only (GLIBCXX_3.4.30),
// and systems that have an older one, such as RHEL 9 and Amazon Linux 2023, are to load the same binary.
#pragma once

#include <condition_variable>
#include <mutex>

namespace circle {

// Until `ready()`, which is asked with the lock held: at first, and after each notification.
template <class Ready>
void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, const Ready& ready) {
  while (!ready()) {
#ifdef __GLIBCXX__
    pthread_cond_wait(changed.native_handle(), lock.mutex()->native_handle());
#else
    changed.wait(lock);
#endif
  }
}

}  // namespace circle
