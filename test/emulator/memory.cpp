#include "test/emulator/memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "test/emulator/failures.h"
#include "test/emulator/poison.h"

namespace circle::cuda::emulator {
namespace {

// Before and after; data is aligned like this too.
constexpr size_t kGuardBytes = 4096;

}  // namespace

bool Memory::Allocation::guards_intact() const {
  return is_poison(data - kGuardBytes, kGuardBytes) && is_poison(data + bytes, kGuardBytes);
}

std::string Memory::Allocation::description() const {
  return std::to_string(bytes) + " bytes of " +
         (place == Place::kDevice ? "device " + std::to_string(device) : "pinned memory");
}

cudaError_t Memory::allocate(void** memory, size_t bytes, Place place, int device, int64_t limit, Fill fill) {
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  const int64_t used = place == Place::kDevice ? bytes_of_device(device) : this->bytes(place);
  if (bytes > static_cast<uint64_t>(INT64_MAX) || static_cast<int64_t>(bytes) > limit - used)
    return cudaErrorMemoryAllocation;
  void* const base = mmap(nullptr, bytes + 2 * kGuardBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return cudaErrorMemoryAllocation;
  char* const data = static_cast<char*>(base) + kGuardBytes;
  if (fill == Fill::kPoison) poison(data, bytes);
  poison(base, kGuardBytes);
  poison(data + bytes, kGuardBytes);
  ASAN_POISON_MEMORY_REGION(base, kGuardBytes);
  ASAN_POISON_MEMORY_REGION(data + bytes, kGuardBytes);
  allocations_[reinterpret_cast<uintptr_t>(data)] = {place, device, data, bytes};
  peak_ = std::max(peak_, this->bytes(Place::kDevice));
  *memory = data;
  return cudaSuccess;
}

cudaError_t Memory::release(void* memory, Place place) {
  if (!memory) return cudaSuccess;
  const auto found = allocations_.find(reinterpret_cast<uintptr_t>(memory));
  if (found == allocations_.end() || found->second.place != place) return cudaErrorInvalidValue;
  const Allocation& allocation = found->second;
  if (!allocation.guards_intact()) report_failure("a write around " + allocation.description());
  char* const base = allocation.data - kGuardBytes;
  const size_t all_bytes = allocation.bytes + 2 * kGuardBytes;
  ASAN_UNPOISON_MEMORY_REGION(base, kGuardBytes);
  ASAN_UNPOISON_MEMORY_REGION(allocation.data + allocation.bytes, kGuardBytes);
  munmap(base, all_bytes);
  recent_ = nullptr;
  allocations_.erase(found);
  return cudaSuccess;
}

bool Memory::contains(const void* memory, size_t bytes, Place place) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory);
  const auto holds = [&](const Allocation& allocation) {
    const uintptr_t offset = address - reinterpret_cast<uintptr_t>(allocation.data);
    return allocation.place == place && offset <= allocation.bytes && bytes <= allocation.bytes - offset;
  };
  if (recent_ && holds(*recent_)) return true;
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return false;
  recent_ = &std::prev(after)->second;
  return holds(*recent_);
}

bool Memory::guards_intact() const {
  bool intact = true;
  for (const auto& [address, allocation] : allocations_)
    if (!allocation.guards_intact()) {
      report_failure("a write around " + allocation.description());
      intact = false;
    }
  return intact;
}

std::vector<std::string> Memory::descriptions() const {
  std::vector<std::string> list;
  for (const auto& [address, allocation] : allocations_) list.push_back(allocation.description());
  return list;
}

int64_t Memory::bytes(Place place) const {
  int64_t sum = 0;
  for (const auto& [address, allocation] : allocations_)
    if (allocation.place == place) sum += static_cast<int64_t>(allocation.bytes);
  return sum;
}

int64_t Memory::bytes_of_device(int device) const {
  int64_t sum = 0;
  for (const auto& [address, allocation] : allocations_)
    if (allocation.place == Place::kDevice && allocation.device == device)
      sum += static_cast<int64_t>(allocation.bytes);
  return sum;
}

}  // namespace circle::cuda::emulator
