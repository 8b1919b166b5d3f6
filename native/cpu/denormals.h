// While an engine computes, numbers below the smallest normal one, 1.2e-38, count as 0. Pair weights of anchors that are
// content are such numbers, and many processors take a hundred times longer to multiply one.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace circle::cpu {

// Sets the mode of the thread, and puts back what it was: the thread is JavaScript's too.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) {
    _mm_setcsr(saved_ | kFlush);
  }
  ~FlushDenormals() {
    _mm_setcsr(saved_);
  }
#elif defined(__aarch64__)
  FlushDenormals() : saved_(read()) {
    write(saved_ | kFlush);
  }
  ~FlushDenormals() {
    write(saved_);
  }
#else
  FlushDenormals() : saved_(0) {}
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__aarch64__)
  static constexpr uint64_t kFlush = uint64_t{1} << 24;  // FZ
  static uint64_t read() {
    uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(uint64_t value) {
    asm volatile("msr fpcr, %0" ::"r"(value));
  }
  const uint64_t saved_;
#else
  static constexpr unsigned kFlush = 0x8040;  // results, operands
  const unsigned saved_;
#endif
};

}  // namespace circle::cpu
