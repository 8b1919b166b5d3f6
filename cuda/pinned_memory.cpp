#include "cuda/pinned_memory.h"

#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <new>

#include "cuda/engine.h"

namespace circle::cuda {
namespace {

// Pieces by the address where they begin.
class PinnedRanges {
 public:
  bool add(const void* memory, int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    try {
      bytes_at_[address(memory)] = static_cast<uintptr_t>(bytes);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  void remove(const void* memory) {
    const std::lock_guard<std::mutex> lock(mutex_);
    bytes_at_.erase(address(memory));
  }

  bool contain(const void* memory, int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const uintptr_t begin = address(memory);
    auto piece = bytes_at_.upper_bound(begin);
    if (piece == bytes_at_.begin()) return false;
    --piece;
    return begin - piece->first + static_cast<uintptr_t>(bytes) <= piece->second;
  }

 private:
  static uintptr_t address(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

  std::mutex mutex_;
  std::map<uintptr_t, uintptr_t> bytes_at_;
};

// Never destroyed: arrays are freed by finalizers that may run after static destructors. Memory that is there from the
// start cannot be refused in the middle of a call.
PinnedRanges& ranges() {
  alignas(PinnedRanges) static unsigned char memory[sizeof(PinnedRanges)];
  static PinnedRanges* const all = new (memory) PinnedRanges;
  return *all;
}

}  // namespace

bool is_pinned(const void* memory, int64_t bytes) {
  return ranges().contain(memory, bytes);
}

float* allocate_pinned(int64_t count) {
  if (count <= 0 || count > INT64_MAX / static_cast<int64_t>(sizeof(float))) return nullptr;
  const int64_t bytes = count * static_cast<int64_t>(sizeof(float));
  void* memory = nullptr;
  if (cudaHostAlloc(&memory, static_cast<size_t>(bytes), cudaHostAllocPortable) != cudaSuccess) {
    (void)cudaGetLastError();
    return nullptr;
  }
  if (!ranges().add(memory, bytes)) {
    (void)cudaFreeHost(memory);
    return nullptr;
  }
  return static_cast<float*>(memory);
}

void free_pinned(float* memory) {
  if (!memory) return;
  ranges().remove(memory);
  if (cudaFreeHost(memory) != cudaSuccess) (void)cudaGetLastError();
}

}  // namespace circle::cuda
