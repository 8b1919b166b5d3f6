// Device memory and pinned host memory: each allocation between guards, poisoned when it is new. Counted, and kept
// within the bytes of the device.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace circle::cuda::emulator {

enum class Place { kDevice, kPinned };
enum class Fill { kPoison, kNothing };

class Memory {
 public:
  // `limit`: bytes of the device, or of all pinned memory.
  cudaError_t allocate(void** memory, size_t bytes, Place place, int device, int64_t limit, Fill fill);
  // Of nullptr: nothing to do.
  cudaError_t release(void* memory, Place place);

  // Whether all these bytes are in one allocation.
  bool is_device(const void* memory, size_t bytes) { return contains(memory, bytes, Place::kDevice); }
  bool is_pinned(const void* memory, size_t bytes) { return contains(memory, bytes, Place::kPinned); }

  bool guards_intact() const;
  std::vector<std::string> descriptions() const;
  int count() const { return static_cast<int>(allocations_.size()); }
  int64_t bytes(Place place) const;
  int64_t bytes_of_device(int device) const;
  int64_t peak() const { return peak_; }
  void forget_peak() { peak_ = bytes(Place::kDevice); }

 private:
  struct Allocation {
    Place place;
    int device;
    char* data;
    size_t bytes;

    bool guards_intact() const;
    std::string description() const;
  };

  bool contains(const void* memory, size_t bytes, Place place);

  std::map<uintptr_t, Allocation> allocations_;  // by address
  const Allocation* recent_ = nullptr;           // where somebody looked last
  int64_t peak_ = 0;
};

}  // namespace circle::cuda::emulator
