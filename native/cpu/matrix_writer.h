// Tiles into the row-major similarity matrix.
#pragma once

#include <cmath>

#include "native/cpu/plan.h"

namespace circle::cpu {

// Copies a tile into the row-major matrix, and for pair-wise labels its mirror image too. Similarities of unit rows are
// cosines: rounding must not push them past ±1.
class MatrixWriter {
 public:
  MatrixWriter(const Plan& plan, Normalize normalize, float* out)
      : plan_(plan), limit_(normalize == Normalize::kL2 ? 1.0f : INFINITY), out_(out) {}

  void write(TileIndex tile, const float* values) const {
    const int64_t first_row = plan_.anchors.first(tile.row_block);
    const int64_t first_column = plan_.candidates.first(tile.column_block);
    const int rows = plan_.anchors.size(tile.row_block), columns = plan_.candidates.size(tile.column_block);
    const int64_t stride = plan_.candidates.rows;
    for (int r = 0; r < rows; ++r) {
      float* to = out_ + (first_row + r) * stride + first_column;
      for (int c = 0; c < columns; ++c) to[c] = clamp(values[r * kTileStride + c]);
    }
    if (!plan_.symmetric || plan_.diagonal(tile)) return;
    for (int c = 0; c < columns; ++c) {
      float* to = out_ + (first_column + c) * stride + first_row;
      for (int r = 0; r < rows; ++r) to[r] = clamp(values[r * kTileStride + c]);
    }
  }

 private:
  float clamp(float s) const { return s > limit_ ? limit_ : s < -limit_ ? -limit_ : s; }

  const Plan& plan_;
  float limit_;
  float* out_;
};

}  // namespace circle::cpu
