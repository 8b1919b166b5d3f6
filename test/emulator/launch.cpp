#include "test/emulator/launch.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "test/emulator/block.h"
#include "test/emulator/failures.h"
#include "test/emulator/runtime.h"

namespace circle::cuda::emulator {
namespace {

struct Grid {
  dim3 blocks;
  int threads;
  int shared_bytes;

  uint64_t count() const { return uint64_t{blocks.x} * blocks.y * blocks.z; }
  uint3 index(uint64_t number) const {
    const uint64_t row = number / blocks.x;
    return {static_cast<unsigned>(number % blocks.x), static_cast<unsigned>(row % blocks.y),
            static_cast<unsigned>(row / blocks.y)};
  }
};

// A grid's blocks in the order in which they run.
std::vector<uint64_t> ordered(uint64_t count, const Schedule& schedule) {
  std::vector<uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  if (schedule.order == Order::kReverse) std::reverse(numbers.begin(), numbers.end());
  if (schedule.order == Order::kRandom) {
    std::mt19937_64 random(schedule.seed);
    std::shuffle(numbers.begin(), numbers.end(), random);
  }
  return numbers;
}

std::string in_words(const uint3& index) {
  return std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z);
}

cudaError_t run(const Grid& grid, const std::function<void()>& thread) {
  const Schedule& schedule = runtime().settings.schedule;
  Block& block = Block::running();
  block.set_schedule(schedule);
  gridDim = grid.blocks;
  for (const uint64_t number : ordered(grid.count(), schedule)) {
    const uint3 index = grid.index(number);
    const std::string failure = block.run(index, grid.threads, grid.shared_bytes, thread);
    if (failure.empty()) continue;
    report_failure("block " + in_words(index) + ": " + failure);
    return cudaErrorLaunchFailure;
  }
  return cudaSuccess;
}

bool is_valid(const Grid& grid) {
  constexpr unsigned kMost = 65535;
  return grid.threads >= 1 && grid.threads <= 1024 && grid.count() > 0 && grid.blocks.x <= INT32_MAX &&
         grid.blocks.y <= kMost && grid.blocks.z <= kMost;
}

}  // namespace

cudaError_t queue_launch(dim3 blocks, int threads, int shared_bytes, cudaStream_t handle,
                         std::function<void()> thread) {
  return api_call([&](Runtime& all) {
    if (all.launch_error != cudaSuccess && all.launches_until_error-- == 0)
      return std::exchange(all.launch_error, cudaSuccess);
    const Grid grid{blocks, threads, shared_bytes};
    if (!is_valid(grid)) return cudaErrorInvalidConfiguration;
    if (shared_bytes < 0 || shared_bytes > all.settings.shared_bytes_limit) return cudaErrorInvalidValue;
    const std::shared_ptr<Stream> stream = all.streams.find(handle, host_thread().device);
    if (!stream || stream->device != host_thread().device) return cudaErrorInvalidResourceHandle;
    if (stream->error() != cudaSuccess) return stream->error();
    ++all.launches;
    if (all.settings.kernels == Kernels::kRun)
      all.streams.add(*stream, [grid, thread = std::move(thread)] { return run(grid, thread); });
    return cudaSuccess;
  });
}

}  // namespace circle::cuda::emulator
