// Memory for an output between two guard zones: a write outside shows, in every build. In sanitizer builds reads show too.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace circle {

// A NaN that no arithmetic makes.
constexpr uint32_t kUntouched = 0x7fa5a5a5;

// Of numbers of four bytes.
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t count) : memory_(static_cast<size_t>(count) + 2 * kZone, pattern()), count_(count) {}

  T* data() { return memory_.data() + kZone; }
  int64_t size() const { return count_; }
  T operator[](int64_t i) const { return memory_[static_cast<size_t>(i) + kZone]; }
  std::vector<T> values() const { return {memory_.begin() + kZone, memory_.end() - kZone}; }

  bool guards_intact() const {
    for (size_t i = 0; i < kZone; ++i)
      if (!is_untouched(memory_[i]) || !is_untouched(memory_[memory_.size() - 1 - i])) return false;
    return true;
  }

  bool untouched() const {
    for (const T value : memory_)
      if (!is_untouched(value)) return false;
    return true;
  }

  static T pattern() {
    T value;
    std::memcpy(&value, &kUntouched, sizeof value);
    return value;
  }
  // By bits: a NaN equals nothing.
  static bool is_untouched(T value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits == kUntouched;
  }

 private:
  static constexpr size_t kZone = 1024;
  std::vector<T> memory_;
  int64_t count_;
};
using GuardedFloats = Guarded<float>;
using GuardedInts = Guarded<int32_t>;

// The same bits, NaN and signed zeros included.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace circle
