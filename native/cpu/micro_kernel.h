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
// Where kHeight rows are too many: two thirds of them still keep the multipliers busy, and 12 + 4 rows are 8 + 8.
constexpr int kShortHeight = kHeight / 3 * 2;
static_assert(kHeight % 3 == 0 && kGrain % kHeight == 0 && kGrain % kLanes == 0 && kPanel % kWidth == 0);

template <int height>
struct Accumulators {
  Floats sum[height][kVectors];
};

// step(height, first row) for micro-kernels that cover `rows` rows, rounded up to a third of kHeight.
template <class Step>
CIRCLE_INLINE void for_each_height(int rows, const Step& step) {
  constexpr int kThird = kHeight / 3;
  for (int row = 0; row < rows;) {
    const int left = rows - row;
    if (left > 4 * kThird || (left > 2 * kThird && left <= 3 * kThird)) {
      step(std::integral_constant<int, kHeight>(), row);
      row += kHeight;
    } else {
      step(std::integral_constant<int, kShortHeight>(), row);
      row += kShortHeight;
    }
  }
}

template <int RowStride, int StepStride, int height>
CIRCLE_INLINE void multiply_add(Accumulators<height>& c, const float* a, const float* b, int64_t steps) {
  for (int64_t k = 0; k < steps; ++k, a += StepStride, b += kPanel) {
    Floats row_of_b[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) row_of_b[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < height; ++r) {
      const Floats factor = broadcast(a[r * RowStride]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) c.sum[r][v] += factor * row_of_b[v];
    }
  }
}

template <int height>
CIRCLE_INLINE void load_accumulators(Accumulators<height>& c, const float* from, int stride) {
#pragma GCC unroll 16
  for (int r = 0; r < height; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) c.sum[r][v] = load(from + r * stride + v * kLanes);
}

template <int height>
CIRCLE_INLINE void store_accumulators(const Accumulators<height>& c, float* to, int stride) {
#pragma GCC unroll 16
  for (int r = 0; r < height; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(to + r * stride + v * kLanes, c.sum[r][v]);
}

}  // namespace circle::cpu::CIRCLE_VARIANT
