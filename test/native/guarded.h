// Memory for an output between two guard zones: a write outside shows, in every build. In sanitizer builds reads show too.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace circle {

// A NaN that no arithmetic makes.
constexpr uint32_t kUntouched = 0x7fa5a5a5;

class GuardedFloats {
 public:
  explicit GuardedFloats(int64_t count) : memory_(static_cast<size_t>(count) + 2 * kZone, pattern()), count_(count) {}

  float* data() { return memory_.data() + kZone; }
  int64_t size() const { return count_; }
  float operator[](int64_t i) const { return memory_[static_cast<size_t>(i) + kZone]; }
  std::vector<float> values() const { return {memory_.begin() + kZone, memory_.end() - kZone}; }

  bool guards_intact() const {
    for (size_t i = 0; i < kZone; ++i)
      if (!is_untouched(memory_[i]) || !is_untouched(memory_[memory_.size() - 1 - i])) return false;
    return true;
  }

  bool untouched() const {
    for (const float value : memory_)
      if (!is_untouched(value)) return false;
    return true;
  }

  static float pattern() {
    float value;
    std::memcpy(&value, &kUntouched, sizeof value);
    return value;
  }
  // By bits: a NaN equals nothing.
  static bool is_untouched(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits == kUntouched;
  }

 private:
  static constexpr size_t kZone = 1024;
  std::vector<float> memory_;
  int64_t count_;
};

// The same bits, NaN and signed zeros included.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace circle
