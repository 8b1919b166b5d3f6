#include "test/native/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr int64_t kNever = -1;
// More than a test needs, less than this machine has not: for calls of absurd sizes, which must not get any memory.
constexpr size_t kMostBytes = size_t{1} << 33;

std::atomic<int64_t> succeeding{kNever};
std::atomic<bool> one_only{false}, has_failed{false};
std::atomic<bool (*)()> exempt{nullptr};

bool fails(size_t bytes) {
  if (bytes > kMostBytes) return true;
  if (succeeding.load() == kNever) return false;
  if (const auto is_exempt = exempt.load(); is_exempt && is_exempt()) return false;
  for (int64_t left = succeeding.load(); left != 0;)
    if (left == kNever || succeeding.compare_exchange_weak(left, left - 1)) return false;
  if (one_only) succeeding = kNever;
  has_failed = true;
  return true;
}

void* allocate(size_t bytes, size_t alignment) {
  void* memory = nullptr;
  const bool aligned = alignment > alignof(std::max_align_t);
  const size_t whole = (bytes + alignment - 1) / alignment * alignment;
  if (!fails(bytes)) memory = aligned ? std::aligned_alloc(alignment, whole) : std::malloc(bytes > 0 ? bytes : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

extern "C" int __real_posix_memalign(void** memory, size_t alignment, size_t bytes);
extern "C" int __wrap_posix_memalign(void** memory, size_t alignment, size_t bytes) {
  return fails(bytes) ? ENOMEM : __real_posix_memalign(memory, alignment, bytes);
}

// Those for arrays come here too.
void* operator new(size_t bytes) {
  return allocate(bytes, 1);
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return fails(bytes) ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace circle {

FailingAllocations::FailingAllocations(int64_t count, Failing failing) {
  has_failed = false;
  one_only = failing == Failing::kOne;
  succeeding = count;
}

FailingAllocations::~FailingAllocations() {
  succeeding = kNever;
}

bool FailingAllocations::any() const {
  return has_failed;
}

void set_exempt(bool (*is_exempt)()) {
  exempt = is_exempt;
}

}  // namespace circle
