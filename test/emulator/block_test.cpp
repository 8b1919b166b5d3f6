// What threads do together, and what is said of kernels that do it wrong.
#include <algorithm>

#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"
#include "test/emulator/on_device.h"

namespace circle::cuda {
namespace {

using namespace emulator;

// Runs the body as a kernel and returns what waiting for it says.
template <class Body>
cudaError_t run(int threads, int shared_bytes, const Body& body) {
  const cudaError_t error = emulator::launch(dim3(1), threads, shared_bytes, nullptr, body);
  return error == cudaSuccess ? cudaDeviceSynchronize() : error;
}

template <class Body>
void fails(const std::string& words, int threads, int shared_bytes, const Body& body) {
  for (const Schedule& schedule : kSchedules) {
    const CleanEmulator clean;
    set_schedule(schedule);
    CHECK(run(threads, shared_bytes, body) == cudaErrorLaunchFailure);
    CHECK(failed_with(words));
    // It stays.
    CHECK(run(32, 0, [] {}) == cudaErrorLaunchFailure);
  }
}

TEST_CASE("threads that leave, or wait elsewhere, while others wait at a barrier are named") {
  fails("threads 0-39 wait for the barrier at", 64, 0, [] {
    if (threadIdx.x < 40) barrier();
  });
  fails("; threads 40-63 are done", 64, 0, [] {
    if (threadIdx.x < 40) barrier();
  });
  fails("threads 0-31 wait for the barrier at", 64, 0, [] {
    if (threadIdx.x < 32)
      barrier();
    else
      barrier();
  });
  fails("threads 1-31 wait in any_lane at", 64, 0, [] {
    if (threadIdx.x == 0)
      barrier();
    else
      any_lane(true);
  });
}

TEST_CASE("lanes of a warp that do different things are named") {
  fails("the lanes of a warp disagree: threads 0-15 wait in any_lane at", 32, 0, [] {
    if (threadIdx.x < 16)
      any_lane(true);
    else
      (void)of_lane_xor(1.0f, 1);
  });
  fails("the lanes of a warp disagree: threads 0-15 wait in any_lane at", 32, 0, [] {
    if (threadIdx.x < 16)
      any_lane(true);
    else
      any_lane(false);
  });
  fails("of_lane_xor 2 at", 32, 0, [] { (void)of_lane_xor(1.0f, threadIdx.x < 16 ? 1 : 2); });
  fails("; threads 31-31 are done", 32, 0, [] {
    if (threadIdx.x < 31) any_lane(true);
  });
  fails("any_lane in a warp of fewer than 32 threads", 48, 0, [] { any_lane(true); });
}

TEST_CASE("lanes exchange numbers and vote, warp by warp") {
  const CleanEmulator clean;
  for (const Schedule& schedule : kSchedules) {
    set_schedule(schedule);
    int wrong = 0;
    CHECK(run(96, 0, [&wrong] {
            const int i = static_cast<int>(threadIdx.x);
            for (const int mask : {1, 2, 4, 8, 16, 31}) {
              wrong += of_lane_xor(i, mask) != (i ^ mask);
              wrong += of_lane_xor(i + 0.5f, mask) != (i ^ mask) + 0.5f;
              wrong += of_lane_xor(i + 0x1p-40, mask) != (i ^ mask) + 0x1p-40;
            }
            wrong += any_lane(i == 40) != (i / 32 == 1);
          }) == cudaSuccess);
    CHECK(wrong == 0);
  }
}

TEST_CASE("matrices are dealt out as PTX draws them, as they lie and transposed") {
  const CleanEmulator clean;
  int wrong = 0;
  CHECK(run(32, 1024, [&wrong] {
          uint16_t* const shared = reinterpret_cast<uint16_t*>(shared_memory());
          const uint32_t lane = threadIdx.x;
          // Matrix, row and column in the digits; rows 32 bytes apart.
          for (uint32_t k = 0; k < 8; ++k)
            shared[lane * 16 + k] = static_cast<uint16_t>(lane / 8 * 64 + lane % 8 * 8 + k);
          barrier();
          uint32_t plain[4], transposed[4];
          load_matrices(plain, shared + lane * 16);
          load_matrices_transposed(transposed, shared + lane * 16);
          for (uint32_t matrix = 0; matrix < 4; ++matrix) {
            const uint32_t line = lane / 4, pair = lane % 4 * 2, first = matrix * 64;
            wrong += plain[matrix] != ((first + line * 8 + pair) | (first + line * 8 + pair + 1) << 16);
            wrong += transposed[matrix] != ((first + pair * 8 + line) | (first + (pair + 1) * 8 + line) << 16);
          }
        }) == cudaSuccess);
  CHECK(wrong == 0);
  fails("load_matrices from an address that is not aligned to 16", 32, 1024, [] {
    uint32_t matrices[4];
    load_matrices(matrices, shared_memory() + 8);
  });
  fails("load_matrices_transposed from outside the shared memory", 32, 1024, [] {
    uint32_t matrices[4];
    load_matrices_transposed(matrices, shared_memory() + 1024);
  });
}

// 1 + 1.5 units in its last place, by one product.
TEST_CASE("multiplications in a kernel truncate, unless a test wants them rounded") {
  const CleanEmulator clean;
  const auto last_place_of_sum = [](Accumulation accumulation) {
    set_accumulation(accumulation);
    float sum = 0;
    CHECK(run(32, 0, [&sum] {
            const bool first = threadIdx.x == 0;
            const uint32_t a[4] = {first ? to_half(0x1.8p-12f) : 0u}, b[2] = {first ? to_half(0x1p-11f) : 0u};
            float c[4] = {1, 1, 1, 1};
            multiply_add(c, a, b);
            if (first) sum = c[0];
          }) == cudaSuccess);
    return (sum - 1) * 0x1p23f;
  };
  CHECK(last_place_of_sum(Accumulation::kTruncated) == 1);
  CHECK(last_place_of_sum(Accumulation::kRounded) == 2);
}

TEST_CASE("copies land at the wait for their group, and read their source there") {
  const CleanEmulator clean;
  OnDevice<uint32_t> source(12);
  uint32_t seen[6] = {};
  CHECK(run(1, 64, [&, from = source.data()] {
          uint32_t* const shared = reinterpret_cast<uint32_t*>(shared_memory());
          for (uint32_t i = 0; i < 12; ++i) from[i] = shared[i] = 1;
          for (int i = 0; i < 3; ++i) {
            copy_16_bytes(shared_memory() + 16 * i, from + 4 * i, i != 2);
            commit_copies();
          }
          for (uint32_t i = 0; i < 12; ++i) from[i] = 2;
          seen[0] = shared[0];
          wait_for_copies<2>();
          seen[1] = shared[0];
          seen[2] = shared[4];
          wait_for_copies<0>();
          seen[3] = shared[7];
          seen[4] = shared[8];
          seen[5] = shared[12];
        }) == cudaSuccess);
  CHECK(seen[0] == 0x7fa5a5a5);
  CHECK(seen[1] == 2);
  CHECK(seen[2] == 0x7fa5a5a5);
  CHECK(seen[3] == 2);
  CHECK(seen[4] == 0);
  CHECK(seen[5] == 0x7fa5a5a5);
}

TEST_CASE("copies that are wrong are named") {
  fails("a copy to shared memory that nobody waited for", 32, 512, [] {
    copy_16_bytes(shared_memory() + 16 * threadIdx.x, nullptr, false);
    wait_for_copies<0>();  // for committed copies
  });
  fails("an address that is not aligned to 16", 32, 512, [] { copy_16_bytes(shared_memory() + 8, nullptr, false); });
  fails("to outside the shared memory", 32, 512, [] { copy_16_bytes(shared_memory() + 512, nullptr, false); });
  alignas(16) static const float kHost[4] = {};
  fails("from outside the device memory", 32, 512, [] { copy_16_bytes(shared_memory(), kHost, true); });
}

__attribute__((no_sanitize("address"))) void write_unseen(unsigned char* at) {
  *const_cast<volatile unsigned char*>(at) = 1;
}

TEST_CASE("a write just before or after the shared memory is found") {
  fails("a write around the shared memory", 32, 100, [] { write_unseen(shared_memory() + 100); });
  fails("a write around the shared memory", 32, 100, [] { write_unseen(shared_memory() - 1); });
}

TEST_CASE("shared memory begins as poison in every block, aligned to 128") {
  const CleanEmulator clean;
  int wrong = 0;
  CHECK(emulator::launch(dim3(3), 32, 260, nullptr, [&wrong] {
          float* const shared = reinterpret_cast<float*>(shared_memory());
          wrong += reinterpret_cast<uintptr_t>(shared) % 128 != 0;
          if (threadIdx.x == 0)
            for (int i = 0; i < 65; ++i) wrong += __float_as_uint(shared[i]) != 0x7fa5a5a5;
          barrier();
          for (int i = 0; i < 65; ++i) shared[i] = 1;
        }) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(wrong == 0);
}

TEST_CASE("blocks and threads run in the order of the schedule, each once") {
  const auto order_under = [](const Schedule& schedule) {
    const CleanEmulator clean;
    set_schedule(schedule);
    std::vector<int> order;
    CHECK(emulator::launch(dim3(3, 2, 2), 64, 0, nullptr, [&order] {
            const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
            order.push_back(static_cast<int>(block * blockDim.x + threadIdx.x));
          }) == cudaSuccess);
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
    return order;
  };
  std::vector<int> forward(12 * 64);
  for (int i = 0; i < 12 * 64; ++i) forward[i] = i;
  const std::vector<int> reverse(forward.rbegin(), forward.rend());
  CHECK(order_under({Order::kForward, 0}) == forward);
  CHECK(order_under({Order::kReverse, 0}) == reverse);
  std::vector<int> random = order_under({Order::kRandom, 5});
  CHECK(order_under({Order::kRandom, 5}) == random);
  CHECK(order_under({Order::kRandom, 6}) != random);
  CHECK(random != forward);
  // Lanes of a warp too: the first warp that ran did not run in order.
  CHECK_FALSE(std::is_sorted(random.begin(), random.begin() + 32));
  std::sort(random.begin(), random.end());
  CHECK(random == forward);
}

TEST_CASE("the fast exponential has no denormal results") {
  CHECK(exp2_fast(3) == 8);
  CHECK(exp2_fast(-126) == 0x1p-126f);
  CHECK(exp2_fast(-126.5f) == 0);
  CHECK(std::isnan(exp2_fast(NAN)));
}

}  // namespace
}  // namespace circle::cuda
