// The shared memory of the block that runs: exactly as many bytes as it was started with, poisoned before each block,
// between guards. One block runs at a time, so that one arena serves all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace circle::cuda::emulator {

class Arena {
 public:
  // For a new block.
  void prepare(size_t bytes);
  // Whether nobody wrote around it.
  bool guards_intact() const;

  unsigned char* data() const { return data_; }
  bool contains(const void* address, size_t bytes) const {
    const uintptr_t offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(data_);
    return offset <= bytes_ && bytes <= bytes_ - offset;
  }

 private:
  static constexpr size_t kGuardBytes = 1024;

  std::unique_ptr<unsigned char[]> memory_;
  size_t capacity_ = 0;
  unsigned char* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace circle::cuda::emulator
