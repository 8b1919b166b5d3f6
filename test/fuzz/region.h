// An array of a call, exactly as long as it says: who reads or writes beside it is caught at once, near and far.
#pragma once

#include <sanitizer/asan_interface.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "native/binding/call.h"

namespace circle::fuzz {

// A NaN that no arithmetic makes; as an integer, no label and no count of a call.
constexpr uint32_t kUntouched = 0x7fa5a5a5;

// Numbers of four bytes between two zones that nobody may touch.
template <class T>
class Region {
 public:
  explicit Region(int64_t length) : length_(static_cast<size_t>(length)), memory_(length_ + 2 * kZone) {
    const T untouched = pattern();
    std::fill(memory_.begin(), memory_.end(), untouched);
    forbid();
  }
  explicit Region(const std::vector<T>& values) : Region(static_cast<int64_t>(values.size())) {
    std::copy(values.begin(), values.end(), data());
  }
  ~Region() {
    if (!memory_.empty()) ASAN_UNPOISON_MEMORY_REGION(memory_.data(), memory_.size() * sizeof(T));
  }
  Region(Region&&) = default;  // the memory stays where it is
  Region& operator=(const Region&) = delete;

  T* data() { return memory_.data() + kZone; }
  const T* data() const { return memory_.data() + kZone; }
  int64_t length() const { return static_cast<int64_t>(length_); }
  std::vector<T> values() const { return {data(), data() + length_}; }
  binding::View<T> view() { return {data(), length()}; }

  // How many of its numbers nobody has written.
  int64_t untouched() const {
    int64_t count = 0;
    for (size_t i = 0; i < length_; ++i) count += same(data()[i], pattern());
    return count;
  }
  bool same_bits_as(const Region& other) const {
    return length_ == other.length_ && (length_ == 0 || std::memcmp(data(), other.data(), length_ * sizeof(T)) == 0);
  }

 private:
  static constexpr size_t kZone = 256;

  static T pattern() {
    T value;
    std::memcpy(&value, &kUntouched, sizeof value);
    return value;
  }
  static bool same(T a, T b) { return std::memcmp(&a, &b, sizeof a) == 0; }

  void forbid() {
    ASAN_POISON_MEMORY_REGION(memory_.data(), kZone * sizeof(T));
    ASAN_POISON_MEMORY_REGION(memory_.data() + kZone + length_, kZone * sizeof(T));
  }

  size_t length_;
  std::vector<T> memory_;
};

}  // namespace circle::fuzz
