// Threads for loops whose iterations are independent and uneven.
//
// One pool a process. A call borrows it as a ThreadTeam; while another call has it, a team is just its own thread, which
// changes no result: every number has one owner and one order of additions, whoever computes it. Between the loops of a
// call the workers spin, because a wake-up costs as much as a small batch; after the call they sleep. They are nicer than
// the threads that call.
#pragma once

#include <atomic>
#include <cstdint>

namespace circle::cpu {

class ThreadTeam {
 public:
  // By how much a worker is nicer (setpriority) than the thread that made it.
  static constexpr int kNiceness = 5;

  // At most `threads` threads, this one included. `abort` may be null; once it is true, loops end early.
  ThreadTeam(int threads, const std::atomic<bool>* abort);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  // An upper bound of the `worker` numbers that loop bodies see.
  int size() const { return size_; }
  // From here on no loop ends early.
  void ignore_abort() { abort_ = nullptr; }
  bool aborted() const { return abort_ && abort_->load(std::memory_order_relaxed); }

  // body(i, worker) for each i in [0, count), in any order, on any thread of the team. `worker` tells threads apart, for
  // scratch memory of their own. Writes of the bodies are visible when this returns.
  template <class Body>
  void for_each(int64_t count, const Body& body) {
    run(
        count, [](const void* b, int64_t i, int worker) { (*static_cast<const Body*>(b))(i, worker); }, &body);
  }

 private:
  using Call = void (*)(const void* body, int64_t i, int worker);
  void run(int64_t count, Call call, const void* body);

  int size_ = 1;
  bool leased_ = false;
  const std::atomic<bool>* abort_;
};

}  // namespace circle::cpu
