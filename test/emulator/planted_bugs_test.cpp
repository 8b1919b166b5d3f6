// Right kernels pass under every schedule; wrong ones are caught under every schedule that can: a missing barrier only
// shows where the threads that read come before those that write.
#include <numeric>

#include "test/emulator/half.h"
#include "test/emulator/on_device.h"
#include "test/emulator/sample_kernels.h"

namespace circle::cuda {
namespace {

using namespace emulator;

constexpr int kBlocks = 3, kThreads = 128;

template <Bug bug>
bool reverses() {
  std::vector<float> x(kBlocks * kThreads);
  std::iota(x.begin(), x.end(), 1.0f);
  const OnDevice<float> input(x), output(x.size());
  const Launch how{dim3(kBlocks), kThreads, kThreads * 4, nullptr};
  CHECK(launch(how, reverse_kernel<bug>, input.data(), output.data()) == cudaSuccess);
  const std::vector<float> y = output.values();
  bool right = failures().empty();
  for (int i = 0; i < kBlocks * kThreads; ++i)
    right &= y[i] == x[i / kThreads * kThreads + kThreads - 1 - i % kThreads];
  return right;
}

template <Bug bug>
bool multiplies() {
  std::vector<uint16_t> a(256), b(128);
  for (int i = 0; i < 256; ++i) a[i] = to_half(static_cast<float>(i * 7 % 31 - 15));
  for (int i = 0; i < 128; ++i) b[i] = to_half(static_cast<float>(i * 5 % 29 - 14));
  const OnDevice<uint16_t> left(a), right(b);
  const OnDevice<float> product(128);
  const Launch how{dim3(1), 32, 1024, nullptr};
  CHECK(launch(how, product_kernel<bug>, left.data(), right.data(), product.data()) == cudaSuccess);
  const std::vector<float> c = product.values();
  bool same = failures().empty();
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += from_half(a[row * 16 + k]) * from_half(b[k * 8 + column]);
      same &= c[row * 8 + column] == sum;
    }
  return same;
}

template <class Run>
void under_every_schedule(const Run& run) {
  for (const Schedule& schedule : kSchedules) {
    const CleanEmulator clean;
    INFO(static_cast<int>(schedule.order), " ", schedule.seed);
    set_schedule(schedule);
    run();
  }
}

TEST_CASE("right kernels are right under every schedule") {
  under_every_schedule([] {
    CHECK(reverses<Bug::kNone>());
    CHECK(multiplies<Bug::kNone>());
  });
}

TEST_CASE("a missing barrier gives a wrong result under every schedule") {
  under_every_schedule([] { CHECK_FALSE(reverses<Bug::kNoBarrier>()); });
}

TEST_CASE("a missing wait for copies gives a wrong result under every schedule") {
  under_every_schedule([] { CHECK_FALSE(multiplies<Bug::kNoWait>()); });
}

TEST_CASE("a wrong fragment gives a wrong result under every schedule") {
  under_every_schedule([] { CHECK_FALSE(multiplies<Bug::kWrongFragment>()); });
}

}  // namespace
}  // namespace circle::cuda
