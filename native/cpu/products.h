// The products over whole tiles, each a loop of micro-kernels.
//
// A tile of 192 × 192 over dim 512 reads 2 × 393 KB of packed rows, which L2 just holds, and does 38 MFLOP: 48 flops a
// byte even if every read went to L3. The micro-kernel's multiply-adds are the bound, as long as nothing waits for
// memory: one operand stays in L1, and where the hardware does not see the other coming it is prefetched.
#pragma once

#include "native/cpu/kernels.h"
#include "native/cpu/micro_kernel.h"

namespace circle::cpu::CIRCLE_VARIANT {

// The lower triangle from the upper one. Blocks of 16 × 16: their cache lines are read and written whole.
static void mirror(float* tile, int edge) {
  constexpr int kBlock = 16;
  for (int rows = 0; rows < edge; rows += kBlock)
    for (int columns = 0; columns <= rows; columns += kBlock)
      for (int r = rows; r < rows + kBlock && r < edge; ++r)
        for (int c = columns; c < columns + kBlock && c < r; ++c) tile[r * kTileStride + c] = tile[c * kTileStride + r];
}

CIRCLE_INLINE void prefetch_rows(const float* first, int rows, int columns, int stride) {
  constexpr int kCacheLine = 16;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; c += kCacheLine) __builtin_prefetch(first + r * stride + c);
}

// Coordinates of one pass over a tile: 32 candidates of that many stay in L1 while all anchors pass by.
constexpr int64_t kDepth = 256;

static void similarity_tile(Panels anchors, const float* groups, int64_t dim, int rows, int columns, TileKind kind,
                            float* tile) {
  for (int64_t first = 0; first < dim; first += kDepth) {
    const int64_t last = dim - first < kDepth ? dim : first + kDepth;
    for (int column = 0; column < columns; column += kWidth) {
      const float* group = groups + column / kPanel * dim * kPanel + column % kPanel;
      const int end = kind == TileKind::kDiagonal && column + kWidth < rows ? column + kWidth : rows;
      for_each_height(end, [&](auto height, int row) {
        float* const to = tile + row * kTileStride + column;
        Accumulators<height> sums{};
        if (first > 0) load_accumulators(sums, to, kTileStride);
        for (int64_t d = first; d < last; d += kPanel) {
          const int64_t steps = last - d < kPanel ? last - d : kPanel;
          const float* const from = anchors.values + d / kPanel * anchors.stride + row * kPanel;
          if (d + kPanel < last) prefetch_rows(from + anchors.stride, height, kPanel, kPanel);
          multiply_add<kPanel, 1>(sums, from, group + d * kPanel, steps);
        }
        store_accumulators(sums, to, kTileStride);
      });
    }
  }
  if (kind == TileKind::kDiagonal) mirror(tile, rows);
}

// A panel of `others`, at most 192 steps of 32 columns, stays in L1 while the whole tile passes by.
template <int RowStride, int StepStride>
CIRCLE_INLINE void accumulate_oriented(const float* tile, int count, int steps, Panels others, int panel_count,
                                       Panels gradient, Start start) {
  for (int panel = 0; panel < panel_count; ++panel) {
    for (int column = 0; column < kPanel; column += kWidth) {
      for_each_height(count, [&](auto height, int row) {
        float* to = gradient.values + panel * gradient.stride + row * kPanel + column;
        Accumulators<height> sums{};
        if (start == Start::kContinue) load_accumulators(sums, to, kPanel);
        multiply_add<RowStride, StepStride>(sums, tile + row * RowStride,
                                            others.values + panel * others.stride + column, steps);
        store_accumulators(sums, to, kPanel);
      });
    }
  }
}

static void accumulate(const float* tile, Orientation orientation, int count, int steps, Panels others, int panel_count,
                       Panels gradient, Start start) {
  if (orientation == Orientation::kRows)
    accumulate_oriented<kTileStride, 1>(tile, count, steps, others, panel_count, gradient, start);
  else
    accumulate_oriented<1, kTileStride>(tile, count, steps, others, panel_count, gradient, start);
}

}  // namespace circle::cpu::CIRCLE_VARIANT
