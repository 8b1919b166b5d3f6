// One block of a kernel at a time, its threads as fibers.
//
// A warp runs until all its lanes wait at a barrier or are done, then the next one does: as far from lockstep as a GPU
// may be, so that what needs a barrier and has none goes wrong. When nobody can go on, either all threads of the block
// wait at the same barrier, which opens, or the kernel is wrong, and the failure says who waits where.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "test/emulator/arena.h"
#include "test/emulator/async_copies.h"
#include "test/emulator/device.h"
#include "test/emulator/emulator.h"
#include "test/emulator/fiber.h"

namespace circle::cuda::emulator {

constexpr int kWarp = 32;

// What the lanes of a warp do together: each brings its operands, and the one that comes last computes for all.
struct Collective {
  const char* name;
  // Lane by lane.
  void (*compute)(void* const (&operands)[kWarp], int argument);
  int argument;  // the same for all lanes
};

class Block {
 public:
  // The block that runs, for its threads.
  static Block& running();

  void set_schedule(const Schedule& schedule);
  // Returns what went wrong, or nothing.
  std::string run(uint3 index, int threads, int shared_bytes, const std::function<void()>& body);

  // The rest is for the thread that runs.
  void wait_at_barrier(Site site);
  void meet(const Collective& what, void* operands, Site site);
  // Gives the block up; does not return.
  [[noreturn]] void fail(const std::string& what);
  AsyncCopies& copies() { return thread_->copies; }
  const Arena& arena() const { return arena_; }

 private:
  enum class State { kReady, kAtBarrier, kInCollective, kDone };
  struct Thread {
    explicit Thread(size_t number) : fiber(number) {}
    Fiber fiber;
    State state = State::kReady;
    Site site{};
    const Collective* collective = nullptr;  // of its own stack
    void* operands = nullptr;
    AsyncCopies copies;
  };

  static void run_thread();
  void start(int threads, int shared_bytes);
  void shuffle();
  bool pass(int warp);
  void run_warps();
  void run_warps_at_random();
  bool all(State state) const;
  bool open_barrier();
  void complete(int first_lane);
  std::string where(const Thread& thread) const;
  std::string who_waits_where() const;

  Schedule schedule_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Thread>> pool_;
  int threads_ = 0;
  const std::function<void()>* body_ = nullptr;
  Thread* thread_ = nullptr;  // that runs
  int lane_order_[kWarp];
  std::vector<int> warp_order_;
  std::vector<int> arrived_;  // of each warp, in a collective
  Arena arena_;
  std::string failure_;
};

}  // namespace circle::cuda::emulator
