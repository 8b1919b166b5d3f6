#include "test/emulator/arena.h"

#include "test/emulator/poison.h"

namespace circle::cuda::emulator {
namespace {

constexpr size_t kAlignment = 128;

}  // namespace

void Arena::prepare(size_t bytes) {
  if (!memory_ || bytes > capacity_) {
    memory_.reset(new unsigned char[2 * kGuardBytes + bytes + kAlignment]);
    capacity_ = bytes;
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.get()) + kGuardBytes;
    data_ = memory_.get() + kGuardBytes + (kAlignment - address % kAlignment) % kAlignment;
  }
  bytes_ = bytes;
  unsigned char* const begin = data_ - kGuardBytes;
  ASAN_UNPOISON_MEMORY_REGION(begin, capacity_ + 2 * kGuardBytes);
  poison(begin, bytes + 2 * kGuardBytes);
  ASAN_POISON_MEMORY_REGION(begin, kGuardBytes);
  ASAN_POISON_MEMORY_REGION(data_ + bytes, kGuardBytes);
}

bool Arena::guards_intact() const {
  return is_poison(data_ - kGuardBytes, kGuardBytes) && is_poison(data_ + bytes_, kGuardBytes);
}

}  // namespace circle::cuda::emulator
