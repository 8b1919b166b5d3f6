// One walk over the pairs of a tile, sixteen (or as many as a vector has) at a time; the forward statistics and the pair
// weights differ in what they do with each vector of pairs. Positives are few in most batches, so their side is visited
// only where a vector has one.
#pragma once

#include "native/core/pair_role.h"
#include "native/cpu/kernels.h"
#include "native/cpu/simd.h"
#include "native/math/exponential.h"

namespace circle::cpu::CIRCLE_VARIANT {

// A row of a tile: which anchor it is, and which of its columns are real.
struct RowOfPairs {
  int32_t label;
  int32_t self_column;
  int32_t columns;
};

CIRCLE_INLINE RowOfPairs row_of_pairs(const Tile& tile, int row) {
  return {tile.row_labels[row], tile.self_column + row, tile.columns};
}

// Whether every pair of the vectors that a tile's loops visit exists, or some are padding or an anchor with itself.
enum class Existence { kAll, kSome };

CIRCLE_INLINE Existence existence(const Tile& tile) {
  return tile.columns % kLanes == 0 && tile.self_column < 0 ? Existence::kAll : Existence::kSome;
}

template <Existence existence>
CIRCLE_INLINE PairRoles<Ints> roles_at(const Tile& tile, const RowOfPairs& row, int column) {
  const Ints labels = load(tile.column_labels + column);
  if constexpr (existence == Existence::kAll) return pair_roles(row.label, labels);
  return pair_roles(row.label, labels, lane_numbers() + column, row.self_column, row.columns);
}

// Numbers of one side, a vector of columns after another.
struct ColumnNumbers {
  alignas(64) float reference[kTileEdge];
  alignas(64) float number[kTileEdge];  // sum (statistics) or coefficient (pair weights)
};

}  // namespace circle::cpu::CIRCLE_VARIANT
