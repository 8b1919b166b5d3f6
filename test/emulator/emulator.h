// What tests ask of the emulated GPU, and how they change it. All of it is safe to call from any thread, and applies to
// what runs after the call: kernels run when somebody waits for them.
//
// Read from the environment at the start, for tests that run the engine inside Node:
//   CIRCLE_EMULATOR_SCHEDULE  forward | reverse | random:SEED
//   CIRCLE_EMULATOR_DRIVER    none | old | no-device | broken
//   CIRCLE_EMULATOR_MEMORY    bytes of each device
//   CIRCLE_EMULATOR_DEVICES   how many
//   CIRCLE_EMULATOR_FAILURES  log | abort: failures are also written to stderr, and the first one ends the process
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>
#include <vector>

namespace circle::cuda::emulator {

// The order of blocks, and of warps and lanes between two barriers. A warp runs as far as it can before another one
// does, at random: as far as it happens to.
enum class Order { kForward, kReverse, kRandom };
struct Schedule {
  Order order = Order::kForward;
  uint64_t seed = 0;
};
void set_schedule(const Schedule& schedule);

// Skipped launches are checked and counted. Device memory is not poisoned then, so that it can be larger than the
// machine's: it takes up what is copied into it.
enum class Kernels { kRun, kSkipped };
void set_kernels(Kernels kernels);

// Of multiply_add: as the hardware does, or every eight products rounded once.
enum class Accumulation { kTruncated, kRounded };
void set_accumulation(Accumulation accumulation);

enum class DriverState { kWorks, kNone, kOld, kNoDevice, kBroken };
void set_driver(DriverState state);
void set_device_count(int count);
void set_device_bytes(int64_t bytes);  // of each
void set_pinned_bytes(int64_t bytes);  // of all together
void set_shared_bytes_limit(int bytes);

// The launch after `launches` others returns the error and does nothing else.
void fail_next_launch(cudaError_t error, int launches = 0);
// Every later call returns the error, until it is cudaSuccess. Work that has not run is lost. What is freed
// meanwhile is freed, and not a leak.
void break_device(cudaError_t error);

// What kernels and copies did wrong, in words. A kernel that fails breaks its stream: cudaErrorLaunchFailure.
std::vector<std::string> failures();

struct Use {
  int64_t device_bytes, peak_device_bytes, pinned_bytes;
  int allocations, streams, events;  // alive
  int64_t launches;
};
Use use();
// The peak and the number of launches begin anew.
void forget_use();
// What is still allocated, in words.
std::vector<std::string> leaks();
// Looks at the guards of everything allocated; what is found is a failure. cudaFree and cudaFreeHost look too.
bool guards_intact();

// As at the start of the process, environment included: no failures, no errors, null streams idle. Memory, streams and
// events stay.
void reset();

}  // namespace circle::cuda::emulator
