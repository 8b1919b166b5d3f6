#include "test/emulator/poison.h"

#include <algorithm>
#include <cstring>

namespace circle::cuda::emulator {
namespace {

unsigned char pattern_at(const unsigned char* address) {
  return static_cast<unsigned char>(kPoison >> reinterpret_cast<uintptr_t>(address) % 4 * 8);
}

}  // namespace

void poison(void* memory, size_t bytes) {
  unsigned char* const begin = static_cast<unsigned char*>(memory);
  const size_t first = std::min(bytes, size_t{64});
  for (size_t i = 0; i < first; ++i) begin[i] = pattern_at(begin + i);
  // What is there, doubled: 64 is a multiple of 4.
  for (size_t done = first; done < bytes;) {
    const size_t more = std::min(std::min(done, bytes - done), size_t{1} << 16);
    std::memcpy(begin + done, begin, more);
    done += more;
  }
}

__attribute__((no_sanitize("address"))) bool is_poison(const void* memory, size_t bytes) {
  const unsigned char* const begin = static_cast<const unsigned char*>(memory);
  for (size_t i = 0; i < bytes; ++i)
    if (begin[i] != static_cast<unsigned char>(kPoison >> reinterpret_cast<uintptr_t>(begin + i) % 4 * 8)) return false;
  return true;
}

}  // namespace circle::cuda::emulator
