#include "cuda/device_memory.h"

#include "cuda/engine.h"
#include "cuda/outcome.h"

namespace circle::cuda {
namespace {

// Nothing to destroy at exit, when the driver may be gone already.
std::atomic<int64_t> all_held{0};

template <MemoryKind kind>
cudaError_t allocate(void** memory, size_t bytes) {
  // Portable: an engine's chunks serve every device, whichever thread allocated them.
  return kind == MemoryKind::kDevice ? cudaMalloc(memory, bytes) : cudaHostAlloc(memory, bytes, cudaHostAllocPortable);
}

template <MemoryKind kind>
cudaError_t free_memory(void* memory) {
  return kind == MemoryKind::kDevice ? cudaFree(memory) : cudaFreeHost(memory);
}

}  // namespace

void HeldBytes::add(int64_t bytes) {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  all_held.fetch_add(bytes, std::memory_order_relaxed);
}

template <MemoryKind kind>
cudaError_t Buffer<kind>::reserve(int64_t bytes) {
  if (bytes <= bytes_) return cudaSuccess;
  release();
  void* memory = nullptr;
  CIRCLE_TRY(allocate<kind>(&memory, static_cast<size_t>(bytes)));
  data_ = memory;
  bytes_ = bytes;
  held_.add(bytes);
  return cudaSuccess;
}

template <MemoryKind kind>
void Buffer<kind>::release() {
  if (!data_) return;
  // After an error that broke the context this fails too; the memory went with the context.
  if (free_memory<kind>(data_) != cudaSuccess) (void)cudaGetLastError();
  held_.add(-bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

template class Buffer<MemoryKind::kDevice>;
template class Buffer<MemoryKind::kPinned>;

int64_t device_bytes_held() {
  return all_held.load(std::memory_order_relaxed);
}

}  // namespace circle::cuda
