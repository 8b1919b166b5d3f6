// The vectors of one instruction set, as compiler vector extensions. Included by the kernels_<variant>.cpp files only,
// after the macros that choose the set:
//   CIRCLE_VARIANT   namespace of the variant
//   CIRCLE_LANES     floats in a vector
#pragma once

#include <cstdint>

#include "native/math/inline.h"

namespace circle::cpu::CIRCLE_VARIANT {

constexpr int kLanes = CIRCLE_LANES;
constexpr int kVectorBytes = 4 * kLanes;

typedef float Floats __attribute__((vector_size(kVectorBytes)));
typedef int32_t Ints __attribute__((vector_size(kVectorBytes)));
typedef uint32_t Bits __attribute__((vector_size(kVectorBytes)));
typedef float UnalignedFloats __attribute__((vector_size(kVectorBytes), aligned(4)));
typedef int32_t UnalignedInts __attribute__((vector_size(kVectorBytes), aligned(4)));

CIRCLE_INLINE Floats load(const float* from) {
  return *reinterpret_cast<const UnalignedFloats __attribute__((may_alias))*>(from);
}
CIRCLE_INLINE Ints load(const int32_t* from) {
  return *reinterpret_cast<const UnalignedInts __attribute__((may_alias))*>(from);
}
CIRCLE_INLINE void store(float* to, Floats values) {
  *reinterpret_cast<UnalignedFloats __attribute__((may_alias))*>(to) = values;
}
CIRCLE_INLINE Floats broadcast(float value) { return constant<Floats>(value); }

CIRCLE_INLINE Ints lane_numbers() {
  Ints numbers{};
  for (int lane = 0; lane < kLanes; ++lane) numbers[lane] = lane;
  return numbers;
}

CIRCLE_INLINE float sum_of_lanes(Floats values) {
  float sum = values[0];
  for (int lane = 1; lane < kLanes; ++lane) sum += values[lane];
  return sum;
}

CIRCLE_INLINE bool any(Ints mask) {
  int32_t bits = 0;
  for (int lane = 0; lane < kLanes; ++lane) bits |= mask[lane];
  return bits != 0;
}

}  // namespace circle::cpu::CIRCLE_VARIANT
