// Where the engine ends and the driver begins: the driver's own allocations are no business of tests that make those of
// the engine fail (test/native/allocations.h).
#pragma once

namespace circle::cuda::emulator {

// While it lives, the thread is in the driver.
class InDriver {
 public:
  InDriver() { ++depth(); }
  ~InDriver() { --depth(); }
  InDriver(const InDriver&) = delete;
  InDriver& operator=(const InDriver&) = delete;

  static bool now() { return depth() > 0; }

 private:
  static int& depth() {
    static thread_local int depth = 0;
    return depth;
  }
};

}  // namespace circle::cuda::emulator
