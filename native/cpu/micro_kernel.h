// The micro-kernel: C[kHeight × kWidth] (+)= Σ_k A(r, k) · B[k][0 … kWidth), all in registers.
//
//            B[k]: kWidth floats side by side, kPanel apart
//             │
//   A(r,k) ─ C(r, …)     one broadcast of A(r, k) per row, kVectors fused multiply-adds each
//
// A(r, k) lies at a[r · RowStride + k · StepStride], strides known to the compiler, so that the three products differ
// in nothing else:
//   similarities    A = row panels (rows 32 apart, steps 1)       B = transposed groups
//   H · X̂           A = tile (rows 208 apart, steps 1)            B = row panels
//   Hᵀ · X̂          A = tile (rows 1 apart, steps 208)            B = row panels
// Per step: kVectors loads, kHeight broadcasts, kHeight · kVectors multiply-adds, which bound it.
#pragma once

#include "native/cpu/layout.h"
#include "native/cpu/simd.h"

namespace circle::cpu::CIRCLE_VARIANT {

constexpr int kHeight = CIRCLE_HEIGHT;
constexpr int kVectors = CIRCLE_VECTORS;
constexpr int kWidth = kVectors * kLanes;
static_assert(kGrain % kHeight == 0 && kGrain % kLanes == 0 && kPanel % kWidth == 0);

struct Accumulators {
  Floats sum[kHeight][kVectors];
};

template <int RowStride, int StepStride>
CIRCLE_INLINE void multiply_add(Accumulators& c, const float* a, const float* b, int64_t steps) {
  for (int64_t k = 0; k < steps; ++k, a += StepStride, b += kPanel) {
    Floats row_of_b[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) row_of_b[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kHeight; ++r) {
      const Floats factor = broadcast(a[r * RowStride]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) c.sum[r][v] += factor * row_of_b[v];
    }
  }
}

CIRCLE_INLINE void load_accumulators(Accumulators& c, const float* from, int stride) {
#pragma GCC unroll 16
  for (int r = 0; r < kHeight; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) c.sum[r][v] = load(from + r * stride + v * kLanes);
}

CIRCLE_INLINE void store_accumulators(const Accumulators& c, float* to, int stride) {
#pragma GCC unroll 16
  for (int r = 0; r < kHeight; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(to + r * stride + v * kLanes, c.sum[r][v]);
}

}  // namespace circle::cpu::CIRCLE_VARIANT
