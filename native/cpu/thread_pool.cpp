#include "native/cpu/thread_pool.h"

#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#if defined(__linux__)
#include <sys/resource.h>
#endif

#include "native/core/try_lock.h"
#include "native/core/waiting.h"
#include "native/cpu/denormals.h"

namespace circle::cpu {
namespace {

constexpr int kMostWorkers = 255;
// About 50 µs of pauses: longer than the gaps between the loops of one call, shorter than anybody notices.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whoever wants to answer somebody goes first, JavaScript's own thread above all, which has no core to itself while a call
// computes on all of them. Where a thread cannot be nice, it computes the same.
void be_nice() {
#if defined(__linux__)
  errno = 0;
  const int now = getpriority(PRIO_PROCESS, 0);  // of this thread: on Linux each has its own
  if (errno == 0) setpriority(PRIO_PROCESS, 0, now + ThreadTeam::kNiceness);
#endif
}

// A loop is open from its announcement until its caller has run out of iterations. A worker enters by counting itself
// in `inside` and looking again whether the loop is still open; the caller closes it and waits until nobody is inside.
// Workers that are late to enter are never waited for.
class ThreadPool {
 public:
  using Call = void (*)(const void* body, int64_t i, int worker);

  bool try_lease() { return lease_.try_lock(); }
  void give_back() { lease_.unlock(); }

  // Lessee only: starts threads up to `wanted`, and says how many there are.
  int grow(int wanted) {
    if (wanted > kMostWorkers) wanted = kMostWorkers;
    while (workers_ < wanted) {
      try {
        std::thread(&ThreadPool::work, this, workers_ + 1).detach();
      } catch (const std::exception&) {
        break;  // no more threads to be had, or no memory for one: fewer do the same work
      }
      ++workers_;
    }
    return workers_ < wanted ? workers_ : wanted;
  }

  void run(int64_t count, Call call, const void* body, int workers, const std::atomic<bool>* abort) {
    count_ = count;
    call_ = call;
    body_ = body;
    abort_ = abort;
    next_.store(0, std::memory_order_relaxed);
    admitted_.store(workers);  // opens the loop
    if (sleeping_.load() > 0) {
      // The lock orders this wake-up after the check that a worker makes before it sleeps.
      { std::lock_guard<std::mutex> lock(sleep_); }
      wake_.notify_all();
    }
    iterate(0);
    admitted_.store(0);
    while (inside_.load() != 0) pause();
  }

 private:
  void iterate(int worker) {
    for (;;) {
      const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= count_ || (abort_ && abort_->load(std::memory_order_relaxed))) return;
      call_(body_, i, worker);
    }
  }

  void work(int worker) {
    const FlushDenormals flush;
    be_nice();
    for (int spins = 0;;) {
      if (admitted_.load(std::memory_order_relaxed) >= worker && next_.load(std::memory_order_relaxed) < count_hint()) {
        inside_.fetch_add(1);
        if (admitted_.load() >= worker) iterate(worker);
        inside_.fetch_sub(1);
        spins = 0;
      } else if (++spins < kSpins) {
        pause();
      } else {
        sleep(worker);
        spins = 0;
      }
    }
  }

  // A finished loop that is still open must not look like work, or its workers would keep running in and out of it.
  int64_t count_hint() const { return count_.load(std::memory_order_relaxed); }

  void sleep(int worker) {
    std::unique_lock<std::mutex> lock(sleep_);
    sleeping_.fetch_add(1);
    wait_until(wake_, lock, [&] { return admitted_.load() >= worker; });
    sleeping_.fetch_sub(1);
  }

  TryLock lease_;
  int workers_ = 0;

  std::atomic<int64_t> count_{0};
  Call call_ = nullptr;
  const void* body_ = nullptr;
  const std::atomic<bool>* abort_ = nullptr;

  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<int> admitted_{0};  // workers 1 … admitted_ may enter
  alignas(64) std::atomic<int> inside_{0};
  std::atomic<int> sleeping_{0};
  std::mutex sleep_;
  std::condition_variable wake_;
};

// Never destroyed: its threads outlive static destructors. Memory that is there from the start cannot be refused.
ThreadPool& pool() {
  alignas(ThreadPool) static unsigned char memory[sizeof(ThreadPool)];
  static ThreadPool* const instance = new (memory) ThreadPool;
  return *instance;
}

}  // namespace

ThreadTeam::ThreadTeam(int threads, const std::atomic<bool>* abort) : abort_(abort) {
  if (threads <= 1 || !pool().try_lease()) return;
  leased_ = true;
  size_ = 1 + pool().grow(threads - 1);
}

ThreadTeam::~ThreadTeam() {
  if (leased_) pool().give_back();
}

void ThreadTeam::run(int64_t count, Call call, const void* body) {
  if (size_ > 1 && count > 1) {
    pool().run(count, call, body, size_ - 1, abort_);
    return;
  }
  for (int64_t i = 0; i < count && !aborted(); ++i) call(body, i, 0);
}

}  // namespace circle::cpu
