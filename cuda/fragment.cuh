// A tile of a product, 128 × 128 numbers in the registers of one block, and which thread has which of them: the same
// for the tensor cores and for plain multiply-adds, so that every epilogue is written once.
//
//   block                     warp                          thread: 8 rows × 8 columns
//   ┌────┬────┬────┬────┐     ┌────────── 32 ───────────┐     rows     lane / 4, and every 8th row from there
//   │ w0 │ w1 │ w2 │ w3 │     │ lanes 0 1 2 3, 0 1 2 3, │     columns  2 (lane % 4) and the next, and every 8th
//   ├────┼────┼────┼────┤  64 │       4 5 6 7, 4 5 6 7, │              pair from there
//   │ w4 │ w5 │ w6 │ w7 │     │       …                 │     as mma.m16n8k16 deals out its accumulators
//   └────┴────┴────┴────┘     └─────────────────────────┘
//
// A row lies in 4 lanes of a warp (numbers that differ in bits 0 and 1) and in all warps of its line, a column in 8
// lanes (bits 2 to 4) and in all warps above each other.
#pragma once

#include "cuda/kernels.h"
#include "cuda/ptx.cuh"
#include "native/math/inline.h"

namespace circle::cuda {

struct Tiling {
  static constexpr int kWarpRows = 2;
  static constexpr int kWarpColumns = 4;
  static constexpr int kWarps = kWarpRows * kWarpColumns;
  static constexpr int kThreads = 32 * kWarps;
  // Of a warp.
  static constexpr int kHeight = kTile / kWarpRows;
  static constexpr int kWidth = kTile / kWarpColumns;
  // Of a thread.
  static constexpr int kRows = kHeight / 8;
  static constexpr int kColumns = kWidth / 4;
};

struct Fragment {
  static constexpr int kRows = Tiling::kRows, kColumns = Tiling::kColumns;

  // [16 rows][8 columns][the four accumulators of an mma]
  float sums[kRows / 2][kColumns / 2][4] = {};

  CIRCLE_DEVICE float& at(int r, int c) { return sums[r / 2][c / 2][r % 2 * 2 + c % 2]; }
  CIRCLE_DEVICE float at(int r, int c) const { return sums[r / 2][c / 2][r % 2 * 2 + c % 2]; }
};

// Where a thread's numbers lie in the tile.
struct Position {
  int lane, warp_row, warp_column;

  CIRCLE_DEVICE Position()
      : lane(static_cast<int>(threadIdx.x) % 32),
        warp_row(static_cast<int>(threadIdx.x) / 32 / Tiling::kWarpColumns),
        warp_column(static_cast<int>(threadIdx.x) / 32 % Tiling::kWarpColumns) {}

  CIRCLE_DEVICE int row(int r) const { return warp_row * Tiling::kHeight + r * 8 + lane / 4; }
  CIRCLE_DEVICE int column(int c) const { return warp_column * Tiling::kWidth + c / 2 * 8 + lane % 4 * 2 + c % 2; }
};

}  // namespace circle::cuda
