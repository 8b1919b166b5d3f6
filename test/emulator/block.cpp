#include "test/emulator/block.h"

#include <algorithm>
#include <numeric>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace circle::cuda::emulator {
namespace {

struct GivenUp {};

}  // namespace

Block& Block::running() {
  // Never destroyed: engines may outlive static objects.
  static Block& block = *new Block;
  return block;
}

void Block::set_schedule(const Schedule& schedule) {
  schedule_ = schedule;
  random_.seed(schedule.seed);
}

void Block::start(int threads, int shared_bytes) {
  threads_ = threads;
  while (static_cast<int>(pool_.size()) < threads) pool_.push_back(std::make_unique<Thread>(pool_.size()));
  for (int i = 0; i < threads; ++i) {
    Thread& thread = *pool_[i];
    thread.fiber.restart(run_thread);
    thread.state = State::kReady;
    thread.copies.forget();
  }
  const int warps = (threads + kWarp - 1) / kWarp;
  arrived_.assign(static_cast<size_t>(warps), 0);
  warp_order_.resize(static_cast<size_t>(warps));
  std::iota(warp_order_.begin(), warp_order_.end(), 0);
  std::iota(lane_order_, lane_order_ + kWarp, 0);
  if (schedule_.order == Order::kReverse) {
    std::reverse(warp_order_.begin(), warp_order_.end());
    std::reverse(lane_order_, lane_order_ + kWarp);
  }
  arena_.prepare(static_cast<size_t>(shared_bytes));
  failure_.clear();
}

std::string Block::run(uint3 index, int threads, int shared_bytes, const std::function<void()>& body) {
  blockIdx = index;
  blockDim = dim3(static_cast<unsigned>(threads));
  body_ = &body;
  start(threads, shared_bytes);
  do {
    if (schedule_.order == Order::kRandom)
      run_warps_at_random();
    else
      run_warps();
  } while (failure_.empty() && open_barrier());
  if (failure_.empty() && !all(State::kDone)) failure_ = who_waits_where();
  if (failure_.empty() && !arena_.guards_intact()) failure_ = "a write around the shared memory";
  return failure_;
}

void Block::run_thread() {
  Block& block = running();
  try {
    (*block.body_)();
    if (!block.copies().all_landed()) block.fail("a copy to shared memory that nobody waited for");
    block.thread_->state = State::kDone;
  } catch (const GivenUp&) {
  }
}

// Every lane that can goes on until it waits. Whether any could.
bool Block::pass(int warp) {
  bool ran = false;
  for (const int lane : lane_order_) {
    const int number = warp * kWarp + lane;
    if (number >= threads_ || pool_[number]->state != State::kReady) continue;
    thread_ = pool_[number].get();
    threadIdx = {static_cast<unsigned>(number), 0, 0};
    thread_->fiber.resume();
    if (!failure_.empty()) return false;
    ran = true;
  }
  return ran;
}

void Block::run_warps() {
  for (const int warp : warp_order_)
    while (pass(warp)) {
    }
}

void Block::run_warps_at_random() {
  std::vector<int> left = warp_order_;
  while (!left.empty() && failure_.empty()) {
    std::shuffle(lane_order_, lane_order_ + kWarp, random_);
    const size_t chosen = random_() % left.size();
    bool goes_on = true;
    for (uint64_t passes = 1 + random_() % 16; goes_on && passes > 0; --passes) goes_on = pass(left[chosen]);
    if (!goes_on) left.erase(left.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
}

bool Block::all(State state) const {
  return std::all_of(pool_.begin(), pool_.begin() + threads_,
                     [=](const auto& thread) { return thread->state == state; });
}

bool Block::open_barrier() {
  if (!all(State::kAtBarrier)) return false;
  for (int i = 1; i < threads_; ++i)
    if (!(pool_[i]->site == pool_[0]->site)) return false;
  for (int i = 0; i < threads_; ++i) pool_[i]->state = State::kReady;
  return true;
}

void Block::wait_at_barrier(Site site) {
  Thread& self = *thread_;
  self.site = site;
  self.state = State::kAtBarrier;
  self.fiber.suspend();
}

void Block::meet(const Collective& what, void* operands, Site site) {
  Thread& self = *thread_;
  self.site = site;
  self.collective = &what;
  self.operands = operands;
  self.state = State::kInCollective;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  if ((warp + 1) * kWarp > threads_) fail(std::string(what.name) + " in a warp of fewer than 32 threads");
  if (++arrived_[warp] < kWarp) return self.fiber.suspend();
  arrived_[warp] = 0;
  complete(warp * kWarp);
}

void Block::complete(int first_lane) {
  void* operands[kWarp];
  const Thread& first = *pool_[first_lane];
  const Collective& what = *first.collective;
  for (int lane = 0; lane < kWarp; ++lane) {
    const Thread& thread = *pool_[first_lane + lane];
    if (thread.collective->compute != what.compute || thread.collective->argument != what.argument ||
        !(thread.site == first.site))
      fail("the lanes of a warp disagree: " + who_waits_where());
    operands[lane] = thread.operands;
  }
  what.compute(operands, what.argument);
  for (int lane = 0; lane < kWarp; ++lane) pool_[first_lane + lane]->state = State::kReady;
}

void Block::fail(const std::string& what) {
  failure_ = "thread " + std::to_string(threadIdx.x) + ": " + what;
  throw GivenUp{};
}

std::string Block::where(const Thread& thread) const {
  if (thread.state == State::kDone) return "are done";
  if (thread.state == State::kReady) return "could go on";
  const std::string site = " at " + std::string(thread.site.file) + ":" + std::to_string(thread.site.line);
  if (thread.state == State::kAtBarrier) return "wait for the barrier" + site;
  const int argument = thread.collective->argument;
  return "wait in " + std::string(thread.collective->name) + (argument ? " " + std::to_string(argument) : "") + site;
}

std::string Block::who_waits_where() const {
  std::string text;
  for (int begin = 0, end = 0; begin < threads_; begin = end) {
    const std::string what = where(*pool_[begin]);
    for (end = begin + 1; end < threads_ && where(*pool_[end]) == what;) ++end;
    text +=
        (text.empty() ? "threads " : "; threads ") + std::to_string(begin) + "-" + std::to_string(end - 1) + " " + what;
  }
  return text;
}

}  // namespace circle::cuda::emulator
