// The pattern of memory that nobody has written: as floats signalling NaNs, as integers, halves and indices nonsense.
// And AddressSanitizer's word for memory that nobody may touch; without it that is a no-op.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define CIRCLE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CIRCLE_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(CIRCLE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

namespace circle::cuda::emulator {

constexpr uint32_t kPoison = 0x7fa5a5a5;

// Words that are aligned to 4 hold the pattern, wherever the memory begins.
void poison(void* memory, size_t bytes);
// Reads forbidden memory as well.
bool is_poison(const void* memory, size_t bytes);

}  // namespace circle::cuda::emulator
