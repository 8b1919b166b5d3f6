// cuda/ptx.cuh on the CPU: the same functions with the same meaning. What threads do together remembers where in the
// source it was called, so that threads that wait in different places are named.
#pragma once

#include <cuda_runtime.h>

#include <cfloat>
#include <cmath>
#include <cstdint>

#include "test/emulator/half.h"  // to_half, from_half

#define CIRCLE_DEVICE inline

namespace circle::cuda {

namespace emulator {

struct Site {
  const char* file;
  int line;

  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
  bool operator==(const Site& other) const {
    return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
  }
};

// What the functions below do, for the fiber that runs (device.cpp).
namespace thread {

unsigned char* shared_memory();
uint32_t shared_address(const void* shared);
void barrier(Site site);
void copy_16_bytes(void* shared, const void* global, bool exists, Site site);
void commit_copies();
void wait_for_copies(int pending);
void load_matrices(uint32_t (&matrices)[4], const void* row, Site site);
void load_matrices_transposed(uint32_t (&matrices)[4], const void* row, Site site);
void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site);
uint64_t of_lane_xor(uint64_t bits, int mask, Site site);
bool any_lane(bool x, Site site);

}  // namespace thread

// Any number through of_lane_xor.
template <class Number>
Number exchanged(Number x, int mask, Site site) {
  uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof x);
  bits = thread::of_lane_xor(bits, mask, site);
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace emulator

CIRCLE_DEVICE unsigned char* shared_memory() {
  return emulator::thread::shared_memory();
}
CIRCLE_DEVICE uint32_t shared_address(const void* shared) {
  return emulator::thread::shared_address(shared);
}
CIRCLE_DEVICE void barrier(emulator::Site site = emulator::Site::here()) {
  emulator::thread::barrier(site);
}

CIRCLE_DEVICE float exp2_fast(float x) {
  const float y = std::exp2(x);
  return y < FLT_MIN ? 0 : y;
}

CIRCLE_DEVICE void copy_16_bytes(void* shared, const void* global, bool exists,
                                 emulator::Site site = emulator::Site::here()) {
  emulator::thread::copy_16_bytes(shared, global, exists, site);
}
CIRCLE_DEVICE void commit_copies() {
  emulator::thread::commit_copies();
}
template <int pending>
CIRCLE_DEVICE void wait_for_copies() {
  emulator::thread::wait_for_copies(pending);
}

CIRCLE_DEVICE void load_matrices(uint32_t (&matrices)[4], const void* row,
                                 emulator::Site site = emulator::Site::here()) {
  emulator::thread::load_matrices(matrices, row, site);
}
CIRCLE_DEVICE void load_matrices_transposed(uint32_t (&matrices)[4], const void* row,
                                            emulator::Site site = emulator::Site::here()) {
  emulator::thread::load_matrices_transposed(matrices, row, site);
}
CIRCLE_DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                emulator::Site site = emulator::Site::here()) {
  emulator::thread::multiply_add(c, a, b, site);
}

CIRCLE_DEVICE float of_lane_xor(float x, int mask, emulator::Site site = emulator::Site::here()) {
  return emulator::exchanged(x, mask, site);
}
CIRCLE_DEVICE int of_lane_xor(int x, int mask, emulator::Site site = emulator::Site::here()) {
  return emulator::exchanged(x, mask, site);
}
CIRCLE_DEVICE double of_lane_xor(double x, int mask, emulator::Site site = emulator::Site::here()) {
  return emulator::exchanged(x, mask, site);
}
CIRCLE_DEVICE bool any_lane(bool x, emulator::Site site = emulator::Site::here()) {
  return emulator::thread::any_lane(x, site);
}

// Fibers take turns only where they wait.
CIRCLE_DEVICE void atomic_min(int32_t* at, int32_t x) {
  if (x < *at) *at = x;
}
CIRCLE_DEVICE void atomic_max(uint32_t* at, uint32_t x) {
  if (x > *at) *at = x;
}
CIRCLE_DEVICE void atomic_max(int32_t* at, int32_t x) {
  if (x > *at) *at = x;
}
CIRCLE_DEVICE int32_t atomic_add(int32_t* at, int32_t x) {
  const int32_t before = *at;
  *at = before + x;
  return before;
}

}  // namespace circle::cuda
