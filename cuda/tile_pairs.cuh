// The pairs of a tile: which of a thread's numbers are similarities of a positive pair, of a negative pair, or of none.
//
// A tile's rows are candidates and its columns anchors; for pair-wise labels both are the batch, a row is an anchor too,
// and the tile serves both. Roles depend on labels only, which are the same either way.
#pragma once

#include "cuda/fragment.cuh"
#include "native/core/pair_role.h"

namespace circle::cuda {

class TilePairs {
 public:
  static constexpr int kRows = Tiling::kRows, kColumns = Tiling::kColumns;
  static_assert(kRows == 8, "one byte of roles a column");

  // `row_block` of the panel, `column_block` of all anchors.
  CIRCLE_DEVICE TilePairs(const Panel& panel, int row_block, int column_block) {
    const int first_row = row_block * kTile, first_column = column_block * kTile;
    int32_t row_labels[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first_row + at.row(r), candidate = panel.first_row + row;
      row_labels[r] = panel.row_labels == nullptr ? static_cast<int32_t>(candidate)
                      : row < panel.rows.rows     ? panel.row_labels[candidate]
                                                  : 0;
    }
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int64_t column = first_column + at.column(c);
      const bool exists = column < panel.columns.rows;
      const int32_t label = exists ? panel.column_labels[column] : 0;
      const int32_t self = panel.symmetric ? static_cast<int32_t>(column - panel.first_row) : -1;
      const int32_t count = exists ? static_cast<int32_t>(panel.rows.rows) : 0;
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const auto roles = pair_roles(label, row_labels[r], first_row + at.row(r), self, count);
        positive_[c / 4] |= (roles.positive ? 1u : 0u) << (c % 4 * 8 + r);
        negative_[c / 4] |= (roles.negative ? 1u : 0u) << (c % 4 * 8 + r);
      }
    }
  }

  CIRCLE_DEVICE bool has(Side side, int r, int c) const {
    const uint32_t bits = side == kPositive ? positive_[c / 4] : negative_[c / 4];
    return (bits >> (c % 4 * 8 + r) & 1) != 0;
  }
  // Of this thread.
  CIRCLE_DEVICE bool any(Side side) const {
    uint32_t bits = 0;
#pragma unroll
    for (int i = 0; i < kColumns / 4; ++i) bits |= side == kPositive ? positive_[i] : negative_[i];
    return bits != 0;
  }

  Position at;

 private:
  uint32_t positive_[kColumns / 4] = {}, negative_[kColumns / 4] = {};
};

CIRCLE_DEVICE float natural_exponential(float x) {
  constexpr float kLog2E = 1.44269504f;
  return exp2_fast(x * kLog2E);
}

}  // namespace circle::cuda
