// A stackful coroutine: one CUDA thread. Changing between fibers costs some nanoseconds on x86-64, where a few pushes and
// pops do it; elsewhere ucontext does, slowly. Everything here belongs to whoever holds the lock of the emulated driver.
#pragma once

#include <cstddef>

namespace circle::cuda::emulator {

class Fiber {
 public:
  // `number` spreads the stacks over the sets of the processor's caches.
  explicit Fiber(size_t number);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() begins the body, whatever the fiber was doing before.
  void restart(void (*body)());
  // Returns when the fiber suspends or its body is over.
  void resume();
  // In the fiber that runs.
  void suspend();

 private:
  static void enter();
  void leave();

  char* memory_;  // with a page that nobody may touch at its low end
  char* top_;     // where the stack begins, and grows down from
  void* saved_;   // stack pointer, or ucontext_t
  void (*body_)() = nullptr;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
};

}  // namespace circle::cuda::emulator
