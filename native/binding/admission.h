// How many asynchronous calls compute at once. libuv has four threads for them, more than a small machine has cores: four
// calls with a team of threads each, on two cores, leave JavaScript's own thread waiting for its turn, and each other's
// loops for threads that do not run. So a call takes its share of the cores first, in the order in which calls arrive.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "native/core/waiting.h"

namespace circle::binding {

class Admission {
 public:
  // Never destroyed: calls outlive static destructors.
  static Admission& of_process() {
    static Admission* const instance = new Admission(static_cast<int>(std::thread::hardware_concurrency()));
    return *instance;
  }

  explicit Admission(int cores) : free_(std::max(cores, kTeam)) {}

  // A call of one thread counts as one core. Of several threads it counts as two only: its loops are uneven, and on many
  // cores some calls beside each other get more out of them than one.
  static constexpr int share_of(int threads) { return threads > 1 ? kTeam : 1; }

  // Waits for the share; false where `abort` is true before it is free.
  bool enter_unless(int share, const std::atomic<bool>& abort) {
    std::unique_lock<std::mutex> guard(mutex_);
    Waiting here;
    Waiting** last = &first_;
    while (*last) last = &(*last)->next;
    *last = &here;
    const auto aborted = [&] { return abort.load(std::memory_order_relaxed); };
    wait_until(changed_, guard, [&] { return aborted() || (first_ == &here && free_ >= share); });
    const bool entered = !aborted();
    remove(here);
    if (entered) free_ -= share;
    changed_.notify_all();  // who is first now may enter
    return entered;
  }

  void leave(int share) {
    const std::lock_guard<std::mutex> guard(mutex_);
    free_ += share;
    changed_.notify_all();
  }

  // After a flag that somebody waits with has changed.
  void wake() {
    const std::lock_guard<std::mutex> guard(mutex_);
    changed_.notify_all();
  }

 private:
  static constexpr int kTeam = 2;

  // A place in the queue, on the stack of the thread that waits: queueing allocates nothing.
  struct Waiting {
    Waiting* next = nullptr;
  };

  void remove(Waiting& waiting) {
    Waiting** at = &first_;
    while (*at != &waiting) at = &(*at)->next;
    *at = waiting.next;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Waiting* first_ = nullptr;
  int free_;
};

}  // namespace circle::binding
