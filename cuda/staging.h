// Copies between the host's arrays and the device. Arrays from allocate_pinned are copied directly. Others go through two
// chunks of pinned memory: while one is on its way, the processor copies the other. Without pinned memory the driver
// does as well as it can.
//
// Each byte is copied once more by the processor, at some 10 GB/s a thread, which bounds it.
#pragma once

#include "cuda/device_memory.h"
#include "cuda/streams.h"

namespace circle::cuda {

// Contiguous device memory, `rows` rows of row_bytes, that becomes rows of the host every host_stride bytes.
struct Download {
  void* host;
  int64_t host_stride;
  const void* device;
  int64_t row_bytes;
  int64_t rows;
};

inline Download whole_array(void* host, const void* device, int64_t bytes) {
  return {host, bytes, device, bytes, 1};
}

class Staging {
 public:
  explicit Staging(HeldBytes& held) : slots_{Slot{PinnedBuffer(held), {}}, Slot{PinnedBuffer(held), {}}} {}

  // Returns when the host's array has been read or, where it is pinned, before that: it must live until the stream has
  // been waited for.
  cudaError_t upload(void* device, const void* host, int64_t bytes, cudaStream_t stream);
  // Returns when the host's array has been written or, where it is pinned, before that.
  cudaError_t download(const Download& what, cudaStream_t stream);
  void release();

 private:
  struct Slot {
    PinnedBuffer memory;
    Event done;  // of the last copy that uses the memory
  };

  bool has_chunks();
  Slot& next_slot();
  cudaError_t download_in_chunks(const Download& what, cudaStream_t stream);

  Slot slots_[2];
  int next_ = 0;
};

}  // namespace circle::cuda
