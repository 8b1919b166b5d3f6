// Half precision as bits, by integer arithmetic: rounded to the nearest, ties to even; denormals are kept.
#pragma once

#include <cuda_runtime.h>

namespace circle::cuda {

inline uint16_t to_half(float x) {
  const uint32_t bits = __float_as_uint(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return 0x7fff;  // the only NaN that the hardware makes
  // 65520, half-way between the largest half and 2¹⁶.
  if (size >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);
  if (size >= 0x38800000) {
    const uint32_t even = size >> 13 & 1;
    return static_cast<uint16_t>(sign | (size - (112u << 23) + 0xfff + even) >> 13);
  }
  // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴, as floats from ½ to 1 are.
  return static_cast<uint16_t>(sign | (__float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000));
}

inline float from_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, size = (half & 0x7fffu) << 13;
  if (size >= 0x7c00u << 13) return __uint_as_float(sign | 0x7f800000 | size);
  if (size >= 0x0400u << 13) return __uint_as_float(sign | (size + (112u << 23)));
  return __uint_as_float(sign | __float_as_uint(__uint_as_float(size + (113u << 23)) - 0x1p-14f));
}

}  // namespace circle::cuda
