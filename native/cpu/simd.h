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
CIRCLE_INLINE Floats broadcast(float value) {
  return constant<Floats>(value);
}

CIRCLE_INLINE Ints lane_numbers() {
  Ints numbers{};
  for (int lane = 0; lane < kLanes; ++lane) numbers[lane] = lane;
  return numbers;
}

// Lane i of the result is lane (i + shift) of x.
template <int shift, class Vector, int... lanes>
CIRCLE_INLINE Vector rotated(Vector x, std::integer_sequence<int, lanes...>) {
  return __builtin_shufflevector(x, x, ((lanes + shift) % kLanes)...);
}

// Halves on halves: log₂ kLanes steps, always in this order.
template <int shift = kLanes / 2, class Vector>
CIRCLE_INLINE auto sum_of_lanes(Vector x) {
  if constexpr (shift == 0)
    return x[0];
  else
    return sum_of_lanes<shift / 2>(x + rotated<shift>(x, std::make_integer_sequence<int, kLanes>()));
}

template <int shift = kLanes / 2>
CIRCLE_INLINE float largest_lane(Floats x) {
  if constexpr (shift == 0)
    return x[0];
  else
    return largest_lane<shift / 2>(larger(x, rotated<shift>(x, std::make_integer_sequence<int, kLanes>())));
}

// Whether a mask has a lane: the one question for which compiler vectors have no operator.
CIRCLE_INLINE bool any(Ints mask) {
#if defined(__aarch64__)
  return vmaxvq_u32(vreinterpretq_u32_s32(mask)) != 0;
#elif CIRCLE_LANES == 16
  return _mm512_test_epi32_mask(__builtin_bit_cast(__m512i, mask), __builtin_bit_cast(__m512i, mask)) != 0;
#elif CIRCLE_LANES == 8
  return _mm256_movemask_ps(__builtin_bit_cast(__m256, mask)) != 0;
#else
  return _mm_movemask_ps(__builtin_bit_cast(__m128, mask)) != 0;
#endif
}

}  // namespace circle::cpu::CIRCLE_VARIANT
