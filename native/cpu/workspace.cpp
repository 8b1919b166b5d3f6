#include "native/cpu/workspace.h"

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace circle::cpu {
namespace {

constexpr int64_t kCacheLine = 64;
constexpr int64_t kHugePage = int64_t{1} << 21;

}  // namespace

bool Buffer::reserve(int64_t bytes) {
  if (bytes <= bytes_) return true;
  release();
  const int64_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  const int64_t rounded = round_up(bytes, kCacheLine);
  void* data = nullptr;
  if (posix_memalign(&data, static_cast<size_t>(alignment), static_cast<size_t>(rounded)) != 0) return false;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Whole huge pages: the rest would cost one more for a few bytes.
  if (const int64_t whole = rounded / kHugePage * kHugePage) madvise(data, static_cast<size_t>(whole), MADV_HUGEPAGE);
#endif
  data_ = data;
  bytes_ = rounded;
  return true;
}

void Buffer::release() {
  std::free(data_);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace circle::cpu
