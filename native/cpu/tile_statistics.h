// Statistics of a tile: for each row, and for pair-wise labels each column, the largest key and the sum of exponentials
// relative to it, on both sides. Two passes over a tile that lies in L2: keys first, so that every exponent is at most 0.
// The hardest pairs of the triplet loss take one pass.
#pragma once

#include "native/cpu/pair_loops.h"

namespace circle::cpu::CIRCLE_VARIANT {

// Which statistics a tile gives: of its rows only, or (pair-wise labels, off the diagonal) of its columns too.
enum class Mutual { kNo, kYes };

template <Mutual mutual, class LossSide>
CIRCLE_INLINE void raise_references(const LossSide& side, Floats s, Ints mask, Floats& row_reference,
                                    float* column_reference) {
  const Floats key = mask ? side.key(s) : broadcast(kNoKey);
  row_reference = larger(row_reference, key);
  if constexpr (mutual == Mutual::kYes) store(column_reference, larger(load(column_reference), key));
}

template <Mutual mutual, class LossSide>
CIRCLE_INLINE void add_exponentials(const LossSide& side, Floats s, Ints mask, Floats row_reference, Floats& row_sum,
                                    const float* column_reference, float* column_sum) {
  const Floats key = side.key(s);
  const Floats of_row = exponential<Floats, Bits>(side.exponent(key, row_reference));
  row_sum += mask ? of_row : Floats{};
  if constexpr (mutual == Mutual::kYes) {
    const Floats of_column = exponential<Floats, Bits>(side.exponent(key, load(column_reference)));
    store(column_sum, load(column_sum) + (mask ? of_column : Floats{}));
  }
}

template <Mutual mutual, Existence existence, class Loss>
CIRCLE_INLINE void row_references(const Loss& loss, const Tile& tile, int r, AnchorPartial& row,
                                  ColumnNumbers (&columns)[2]) {
  const RowOfPairs pairs = row_of_pairs(tile, r);
  const float* similarities = tile.values + r * kTileStride;
  Floats positive = broadcast(kNoKey), negative = broadcast(kNoKey);
  for (int c = 0; c < tile.columns; c += kLanes) {
    const Floats s = load(similarities + c);
    const PairRoles<Ints> roles = roles_at<existence>(tile, pairs, c);
    raise_references<mutual>(loss.negative, s, roles.negative, negative, columns[kNegative].reference + c);
    if (any(roles.positive))
      raise_references<mutual>(loss.positive, s, roles.positive, positive, columns[kPositive].reference + c);
  }
  row.side[kPositive] = {largest_lane(positive), 0, -1};
  row.side[kNegative] = {largest_lane(negative), 0, -1};
}

template <Mutual mutual, Existence existence, class Loss>
CIRCLE_INLINE void row_sums(const Loss& loss, const Tile& tile, int r, AnchorPartial& row,
                            ColumnNumbers (&columns)[2]) {
  const RowOfPairs pairs = row_of_pairs(tile, r);
  const float* similarities = tile.values + r * kTileStride;
  const Floats positive_reference = broadcast(row.side[kPositive].reference);
  const Floats negative_reference = broadcast(row.side[kNegative].reference);
  Floats positive{}, negative{};
  for (int c = 0; c < tile.columns; c += kLanes) {
    const Floats s = load(similarities + c);
    const PairRoles<Ints> roles = roles_at<existence>(tile, pairs, c);
    add_exponentials<mutual>(loss.negative, s, roles.negative, negative_reference, negative,
                             columns[kNegative].reference + c, columns[kNegative].number + c);
    if (any(roles.positive))
      add_exponentials<mutual>(loss.positive, s, roles.positive, positive_reference, positive,
                               columns[kPositive].reference + c, columns[kPositive].number + c);
  }
  row.side[kPositive].sum = sum_of_lanes(positive);
  row.side[kNegative].sum = sum_of_lanes(negative);
}

template <Mutual mutual, Existence existence, class Loss>
CIRCLE_INLINE void sums_of_tile(const Loss& loss, const Tile& tile, AnchorPartial* rows, AnchorPartial* of_columns) {
  ColumnNumbers columns[2];
  if constexpr (mutual == Mutual::kYes) {
    for (int side : {kPositive, kNegative})
      for (int c = 0; c < tile.columns || c % kLanes; ++c) {
        columns[side].reference[c] = kNoKey;
        columns[side].number[c] = 0;
      }
  }
  for (int r = 0; r < tile.rows; ++r) row_references<mutual, existence>(loss, tile, r, rows[r], columns);
  for (int r = 0; r < tile.rows; ++r) row_sums<mutual, existence>(loss, tile, r, rows[r], columns);
  if constexpr (mutual == Mutual::kYes) {
    for (int c = 0; c < tile.columns; ++c)
      for (int side : {kPositive, kNegative})
        of_columns[c].side[side] = {columns[side].reference[c], columns[side].number[c], -1};
  }
}

// The first pair with the largest key wins. NaN wins against everything and stays: it must come out of the loss.
CIRCLE_INLINE void take_harder(SidePartial& hardest, float key, int column) {
  if (hardest.sum != 0 && (key <= hardest.reference || hardest.reference != hardest.reference)) return;
  hardest = {key, 1, column};
}

template <class Loss>
CIRCLE_INLINE void hardest_of_tile(const Loss& loss, const Tile& tile, AnchorPartial* rows, AnchorPartial* columns) {
  constexpr AnchorPartial kNone = {{{kNoKey, 0, -1}, {kNoKey, 0, -1}}};
  for (int r = 0; r < tile.rows; ++r) rows[r] = kNone;
  if (columns)
    for (int c = 0; c < tile.columns; ++c) columns[c] = kNone;
  for (int r = 0; r < tile.rows; ++r) {
    const RowOfPairs pairs = row_of_pairs(tile, r);
    for (int c = 0; c < tile.columns; ++c) {
      const float s = tile.values[r * kTileStride + c];
      const auto roles = pair_roles(pairs.label, tile.column_labels[c], c, pairs.self_column, pairs.columns);
      if (!roles.positive && !roles.negative) continue;
      const int side = roles.positive ? kPositive : kNegative;
      const float key = roles.positive ? loss.positive.key(s) : loss.negative.key(s);
      take_harder(rows[r].side[side], key, c);
      if (columns) take_harder(columns[c].side[side], key, r);
    }
  }
}

template <Mutual mutual, class Loss>
CIRCLE_INLINE void sums_of_tile(const Loss& loss, const Tile& tile, AnchorPartial* rows, AnchorPartial* columns) {
  if (existence(tile) == Existence::kAll)
    sums_of_tile<mutual, Existence::kAll>(loss, tile, rows, columns);
  else
    sums_of_tile<mutual, Existence::kSome>(loss, tile, rows, columns);
}

template <class Loss>
static void tile_statistics(const Loss& loss, const Tile& tile, AnchorPartial* rows, AnchorPartial* columns) {
  if constexpr (Loss::kHardest)
    hardest_of_tile(loss, tile, rows, columns);
  else if (columns)
    sums_of_tile<Mutual::kYes>(loss, tile, rows, columns);
  else
    sums_of_tile<Mutual::kNo>(loss, tile, rows, nullptr);
}

}  // namespace circle::cpu::CIRCLE_VARIANT
