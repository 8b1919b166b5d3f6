// Memory that a session keeps between calls: buffers that grow and never shrink until they are released.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>

namespace circle::cuda {

// How many bytes somebody holds. Everybody's together are device_bytes_held().
class HeldBytes {
 public:
  void add(int64_t bytes);
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> bytes_{0};
};

enum class MemoryKind { kDevice, kPinned };

// Uninitialised memory. Its destructor frees without asking whether the device still works there: who owns a buffer
// waits first.
template <MemoryKind kind>
class Buffer {
 public:
  explicit Buffer(HeldBytes& held) : held_(held) {}
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // After a failure the buffer is empty; the contents are lost either way, unless the buffer is large enough.
  cudaError_t reserve(int64_t bytes);
  void release();
  int64_t bytes() const { return bytes_; }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  char* at(int64_t byte) const { return as<char>() + byte; }

 private:
  HeldBytes& held_;
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

using DeviceBuffer = Buffer<MemoryKind::kDevice>;
using PinnedBuffer = Buffer<MemoryKind::kPinned>;

}  // namespace circle::cuda
