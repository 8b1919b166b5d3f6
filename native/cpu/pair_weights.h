// Similarities of a tile become pair weights H in place: what one pair adds to the gradient of its two rows
// (docs/math.md §8). One pass over a tile that lies in L2; one or two exponentials a pair.
#pragma once

#include "native/cpu/tile_statistics.h"

namespace circle::cpu::CIRCLE_VARIANT {

template <Mutual mutual, class LossSide>
CIRCLE_INLINE Floats weights_of_side(const LossSide& side, Floats s, const PairTerm& row, const ColumnNumbers& columns,
                                     int c) {
  const Floats key = side.key(s);
  Floats weight = row.coefficient * exponential<Floats, Bits>(side.exponent(key, broadcast(row.reference)));
  if constexpr (mutual == Mutual::kYes)
    weight += load(columns.number + c) * exponential<Floats, Bits>(side.exponent(key, load(columns.reference + c)));
  return weight * side.slope(s);
}

template <Mutual mutual, Existence existence, class Loss>
CIRCLE_INLINE void weigh_tile(const Loss& loss, const Tile& tile, const AnchorTerms* rows,
                              const AnchorTerms* of_columns) {
  ColumnNumbers columns[2];
  if constexpr (mutual == Mutual::kYes) {
    for (int side : {kPositive, kNegative})
      for (int c = 0; c < tile.columns || c % kLanes; ++c) {
        const PairTerm term = c < tile.columns ? of_columns[c].side[side] : PairTerm{};
        columns[side].reference[c] = term.reference;
        columns[side].number[c] = term.coefficient;
      }
  }
  for (int r = 0; r < tile.rows; ++r) {
    const RowOfPairs pairs = row_of_pairs(tile, r);
    const AnchorTerms& row = rows[r];
    for (int c = 0; c < tile.columns; c += kLanes) {
      float* values = tile.values + r * kTileStride + c;
      const Floats s = load(values);
      const PairRoles<Ints> roles = roles_at<existence>(tile, pairs, c);
      Floats weight = weights_of_side<mutual>(loss.negative, s, row.side[kNegative], columns[kNegative], c);
      weight = roles.negative ? weight : Floats{};
      if (any(roles.positive)) {
        const Floats positive = weights_of_side<mutual>(loss.positive, s, row.side[kPositive], columns[kPositive], c);
        weight = roles.positive ? positive : weight;
      }
      store(values, weight);
    }
  }
}

template <Mutual mutual, class Loss>
CIRCLE_INLINE void weigh_tile(const Loss& loss, const Tile& tile, const AnchorTerms* rows, const AnchorTerms* columns) {
  if (existence(tile) == Existence::kAll)
    weigh_tile<mutual, Existence::kAll>(loss, tile, rows, columns);
  else
    weigh_tile<mutual, Existence::kSome>(loss, tile, rows, columns);
}

template <class Loss>
static void pair_weights(const Loss& loss, const Tile& tile, const AnchorTerms* rows, const AnchorTerms* columns) {
  if (columns)
    weigh_tile<Mutual::kYes>(loss, tile, rows, columns);
  else
    weigh_tile<Mutual::kNo>(loss, tile, rows, nullptr);
}

}  // namespace circle::cpu::CIRCLE_VARIANT
