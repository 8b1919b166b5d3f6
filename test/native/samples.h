// The same numbers everywhere, for tests.
#pragma once

#include <cstdint>
#include <vector>

namespace circle {

// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  int below(int end) { return static_cast<int>(bits() % static_cast<uint64_t>(end)); }
  // In [−1, 1), a multiple of 2⁻²³.
  float number() { return static_cast<float>(bits() >> 40) * 0x1p-23f - 1; }

  std::vector<float> numbers(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = number();
    return values;
  }

  std::vector<int32_t> labels(int64_t count, int classes) {
    std::vector<int32_t> values(static_cast<size_t>(count));
    for (int32_t& value : values) value = below(classes);
    return values;
  }

 private:
  uint64_t state_;
};

// Half a unit in the last place of float, relative: the error of one rounding.
constexpr double kRounding = 0x1p-24;

}  // namespace circle
