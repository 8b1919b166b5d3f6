// Allocations that fail, for tests: posix_memalign's and operator new's, and with them those of the C++ library. The
// linker sends the first here (--wrap); the second is the test program's own.
#pragma once

#include <cstdint>

namespace circle {

enum class Failing {
  kOne,  // a moment without memory
  kAll,  // and all that come after it
};

// While it lives, `succeeding` allocations of the process's threads succeed, and the next one fails: with ENOMEM or
// std::bad_alloc. Nothing else may allocate meanwhile that cannot do without.
class FailingAllocations {
 public:
  explicit FailingAllocations(int64_t succeeding, Failing failing = Failing::kAll);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  // Whether one has failed.
  bool any() const;
};

// Allocations of this thread's that never fail and are not counted, where it says so.
void set_exempt(bool (*is_exempt)());

}  // namespace circle
