#include "cuda/staging.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "cuda/engine.h"
#include "cuda/pinned_memory.h"
#include "test/native/samples.h"

namespace circle::cuda {
namespace {

constexpr int64_t kMebi = int64_t{1} << 20;

std::vector<char> bytes_of(int64_t count) {
  Random random(static_cast<uint64_t>(count));
  std::vector<char> bytes(static_cast<size_t>(count));
  for (char& byte : bytes) byte = static_cast<char>(random.bits());
  return bytes;
}

// Memory of the device, and what a copy needs.
struct Bench {
  HeldBytes held;
  DeviceBuffer memory{held};
  Staging staging{held};
  Stream stream;

  explicit Bench(int64_t bytes) {
    REQUIRE(cudaSetDevice(0) == cudaSuccess);
    REQUIRE(stream.open() == cudaSuccess);
    REQUIRE(memory.reserve(bytes) == cudaSuccess);
  }
};

TEST_CASE("what goes up comes down, in one chunk or many") {
  for (const int64_t count : {int64_t{1}, int64_t{1000}, 4 * kMebi - 1, 4 * kMebi, 4 * kMebi + 1, 9 * kMebi + 17}) {
    Bench bench(count);
    const std::vector<char> up = bytes_of(count);
    std::vector<char> down(up.size());
    {
      // The array need not live longer than the call.
      const std::vector<char> borrowed = up;
      REQUIRE(bench.staging.upload(bench.memory.at(0), borrowed.data(), count, bench.stream) == cudaSuccess);
    }
    REQUIRE(bench.staging.download(whole_array(down.data(), bench.memory.at(0), count), bench.stream) == cudaSuccess);
    CHECK(down == up);
    REQUIRE(bench.stream.synchronize() == cudaSuccess);
  }
}

TEST_CASE("rows find their places, whether chunks cut them or not") {
  for (const int64_t row_bytes : {int64_t{3}, int64_t{4000}, 3 * kMebi, 5 * kMebi})
    for (const int64_t rows : {1, 2, 3}) {
      const int64_t stride = row_bytes + 11;
      Bench bench(rows * row_bytes);
      const std::vector<char> up = bytes_of(rows * row_bytes);
      std::vector<char> down(static_cast<size_t>(rows * stride), 'x');
      REQUIRE(bench.staging.upload(bench.memory.at(0), up.data(), rows * row_bytes, bench.stream) == cudaSuccess);
      REQUIRE(bench.staging.download({down.data(), stride, bench.memory.at(0), row_bytes, rows}, bench.stream) ==
              cudaSuccess);
      bool right = true;
      for (int64_t row = 0; row < rows; ++row) {
        right &= std::memcmp(&down[row * stride], &up[row * row_bytes], row_bytes) == 0;
        for (int64_t i = row_bytes; i < stride; ++i) right &= down[row * stride + i] == 'x';
      }
      CHECK(right);
      REQUIRE(bench.stream.synchronize() == cudaSuccess);
    }
}

TEST_CASE("pinned arrays are copied directly, contiguous or in rows") {
  constexpr int64_t kCount = 3000;
  float* const memory = allocate_pinned(2 * kCount);
  REQUIRE(memory != nullptr);
  Bench bench(kCount * 4);
  for (int64_t i = 0; i < kCount; ++i) memory[i] = static_cast<float>(i);
  REQUIRE(bench.staging.upload(bench.memory.at(0), memory, kCount * 4, bench.stream) == cudaSuccess);
  REQUIRE(bench.staging.download({memory + kCount, 60 * 4, bench.memory.at(0), 50 * 4, 50}, bench.stream) ==
          cudaSuccess);
  REQUIRE(bench.stream.synchronize() == cudaSuccess);
  CHECK(bench.held.bytes() == kCount * 4);  // no chunks
  bool right = true;
  for (int64_t i = 0; i < 2500; ++i) right &= memory[kCount + i / 50 * 60 + i % 50] == memory[i];
  CHECK(right);
  free_pinned(memory);
}

TEST_CASE("an array is pinned when all of it lies in one piece of pinned memory") {
  float* const a = allocate_pinned(100);
  float* const b = allocate_pinned(50);
  REQUIRE(a != nullptr);
  REQUIRE(b != nullptr);
  CHECK(is_pinned(a, 400));
  CHECK(is_pinned(a + 40, 240));
  CHECK_FALSE(is_pinned(a + 40, 244));
  CHECK_FALSE(is_pinned(a - 1, 8));
  CHECK(is_pinned(b, 200));
  const float elsewhere = 0;
  CHECK_FALSE(is_pinned(&elsewhere, 4));
  free_pinned(a);
  CHECK_FALSE(is_pinned(a, 4));
  free_pinned(b);
  free_pinned(nullptr);
  CHECK(allocate_pinned(0) == nullptr);
  CHECK(allocate_pinned(INT64_MAX) == nullptr);
}

TEST_CASE("buffers grow, keep what is large enough, and count what they hold") {
  HeldBytes held;
  const int64_t before = device_bytes_held();
  {
    DeviceBuffer buffer(held);
    REQUIRE(buffer.reserve(100) == cudaSuccess);
    char* const first = buffer.at(0);
    REQUIRE(buffer.reserve(60) == cudaSuccess);
    CHECK(buffer.at(0) == first);
    REQUIRE(buffer.reserve(1000) == cudaSuccess);
    CHECK(held.bytes() == 1000);
    CHECK(device_bytes_held() == before + 1000);
    buffer.release();
    CHECK(held.bytes() == 0);
    REQUIRE(buffer.reserve(8) == cudaSuccess);
  }
  CHECK(held.bytes() == 0);
  CHECK(device_bytes_held() == before);
}

}  // namespace
}  // namespace circle::cuda
