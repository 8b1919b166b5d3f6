// K3: a tile of similarities again, and from each the weight that its pair has in the gradient (docs/math.md §8), into the
// panel's matrix of weights, as operands of the products that follow.
//
// One block a tile. Rows and columns are read once a tile and slab, written is one number a pair (2 bytes, 4 in kExact
// and kFfma), for pair-wise labels a second time below the diagonal while the tile lies in the panel's own square. The
// product bounds it, as in the forward pass.
#include "cuda/product.cuh"
#include "cuda/tile_pairs.cuh"

namespace circle::cuda {
namespace {

// The terms of a tile's anchors, one side after the other.
struct TileTerms {
  PairTerm columns[2][kTile];
  PairTerm rows[2][kTile];
  int32_t hardest_of_columns[2][kTile];
  int32_t hardest_of_rows[2][kTile];
};

// Of `count` anchors from `first` on; there are no terms beyond them.
CIRCLE_DEVICE void load_terms(const AnchorTerms* terms, const AnchorStatistics* statistics, bool hardest, int64_t first,
                              int64_t count, PairTerm (&to)[2][kTile], int32_t (&hardest_to)[2][kTile]) {
  for (int i = static_cast<int>(threadIdx.x); i < kTile; i += static_cast<int>(blockDim.x))
    for (int side = 0; side < 2; ++side) {
      to[side][i] = i < count ? terms[first + i].side[side] : PairTerm{};
      if (hardest) hardest_to[side][i] = i < count ? statistics[first + i].hardest[side] : -1;
    }
}

// What one anchor gives a pair, but for the slope.
template <class LossSide>
CIRCLE_DEVICE float share(const LossSide& loss, float key, const PairTerm& term) {
  return term.coefficient * natural_exponential(loss.exponent(key, term.reference));
}

// NaN has no hardest pair: each could be it, so that all of them have its gradient.
CIRCLE_DEVICE float share_of_hardest(const PairTerm& term, int32_t hardest, int32_t candidate) {
  return hardest == candidate || term.coefficient != term.coefficient ? term.coefficient : 0;
}

// Weights of one side in the place of its similarities.
template <class Loss, class LossSide>
CIRCLE_DEVICE void weigh_side(const LossSide& loss, Side side, const Panel& panel, int32_t first_candidate,
                              int32_t first_column, const TilePairs& pairs, const TileTerms& terms, Fragment& s) {
  if (!pairs.any(side)) return;
  const Position& at = pairs.at;
#pragma unroll
  for (int c = 0; c < Fragment::kColumns; ++c) {
    const PairTerm of_column = terms.columns[side][at.column(c)];
#pragma unroll
    for (int r = 0; r < Fragment::kRows; ++r) {
      const float similarity = s.at(r, c);
      float weight;
      if constexpr (Loss::kHardest) {
        weight = share_of_hardest(of_column, terms.hardest_of_columns[side][at.column(c)], first_candidate + at.row(r));
        if (panel.symmetric)
          weight += share_of_hardest(terms.rows[side][at.row(r)], terms.hardest_of_rows[side][at.row(r)],
                                     first_column + at.column(c));
      } else {
        const float key = loss.key(similarity);
        weight = share(loss, key, of_column);
        if (panel.symmetric) weight += share(loss, key, terms.rows[side][at.row(r)]);
      }
      if (pairs.has(side, r, c)) s.at(r, c) = weight * loss.slope(similarity);
    }
  }
}

// A pair of neighbouring columns, or one number, in the core's format.
template <Core core>
struct Writer {
  const Operand& to;

  CIRCLE_DEVICE void two(int64_t row, int32_t column, float x, float y) const {
    const int64_t at = row * to.stride + column;
    if constexpr (core == Core::kFfma) {
      *reinterpret_cast<float2*>(static_cast<float*>(to.high) + at) = make_float2(x, y);
    } else {
      const uint16_t hx = to_half(x), hy = to_half(y);
      *reinterpret_cast<uint32_t*>(static_cast<uint16_t*>(to.high) + at) = hx | static_cast<uint32_t>(hy) << 16;
      if constexpr (core == Core::kExact)
        *reinterpret_cast<uint32_t*>(static_cast<uint16_t*>(to.low) + at) =
            low_half(x, hx) | static_cast<uint32_t>(low_half(y, hy)) << 16;
    }
  }

  CIRCLE_DEVICE void one(int64_t row, int32_t column, float x) const {
    const int64_t at = row * to.stride + column;
    if constexpr (core == Core::kFfma) {
      static_cast<float*>(to.high)[at] = x;
    } else {
      const uint16_t high = to_half(x);
      static_cast<uint16_t*>(to.high)[at] = high;
      if constexpr (core == Core::kExact) static_cast<uint16_t*>(to.low)[at] = low_half(x, high);
    }
  }
};

// blockIdx.x: tile, one column of tiles after the other: the panel's rows stay in L2 while the columns pass by.
template <Core core, class Loss>
__global__ void __launch_bounds__(Tiling::kThreads, 1)
    weights_kernel(Panel panel, Loss loss, const AnchorTerms* terms, const AnchorStatistics* statistics,
                   Operand weights, int stages) {
  const unsigned row_blocks = static_cast<unsigned>((panel.rows.rows + kTile - 1) / kTile);
  const int row_block = static_cast<int>(blockIdx.x % row_blocks);
  const int column_block = static_cast<int>(blockIdx.x / row_blocks);
  const int panel_block = panel.symmetric ? panel.first_row / kTile : 0;
  if (panel.symmetric && column_block < panel_block + row_block) return;
  const int64_t first_row = int64_t{kTile} * row_block, first_column = int64_t{kTile} * column_block;
  const int64_t first_candidate = panel.first_row + first_row;

  Fragment s;
  similarities<core>(s, panel.rows, first_row, panel.columns, first_column, stages);
  TileTerms& tile = *reinterpret_cast<TileTerms*>(shared_memory());
  load_terms(terms, statistics, Loss::kHardest, first_column, panel.columns.rows - first_column, tile.columns,
             tile.hardest_of_columns);
  if (panel.symmetric)
    load_terms(terms, statistics, Loss::kHardest, first_candidate, panel.columns.rows - first_candidate, tile.rows,
               tile.hardest_of_rows);
  barrier();

  const TilePairs pairs(panel, row_block, column_block);
  const Position& at = pairs.at;
  weigh_side<Loss>(loss.negative, kNegative, panel, static_cast<int32_t>(first_candidate),
                   static_cast<int32_t>(first_column), pairs, tile, s);
  weigh_side<Loss>(loss.positive, kPositive, panel, static_cast<int32_t>(first_candidate),
                   static_cast<int32_t>(first_column), pairs, tile, s);

  // Columns of the matrix are counted from the panel's own first anchor.
  const int32_t column_offset = panel.symmetric ? panel.first_row : 0;
  const Writer<core> writer{weights};
  const bool mirrored = panel.symmetric && column_block > panel_block + row_block;
#pragma unroll
  for (int c = 0; c < Fragment::kColumns; c += 2) {
    const int32_t column = static_cast<int32_t>(first_column) + at.column(c) - column_offset;
#pragma unroll
    for (int r = 0; r < Fragment::kRows; ++r) {
      const int64_t row = first_row + at.row(r);
      const float x = pairs.has(kPositive, r, c) || pairs.has(kNegative, r, c) ? s.at(r, c) : 0;
      const float y = pairs.has(kPositive, r, c + 1) || pairs.has(kNegative, r, c + 1) ? s.at(r, c + 1) : 0;
      if (row >= weights.rows) continue;
      // Up to the stride: a product reads the padding.
      if (column < weights.stride) writer.two(row, column, x, y);
      if (!mirrored) continue;
      if (column < weights.rows) writer.one(column, static_cast<int32_t>(row), x);
      if (column + 1 < weights.rows) writer.one(column + 1, static_cast<int32_t>(row), y);
    }
  }
}

}  // namespace

cudaError_t pair_weights(Core core, const PairLoss& loss, const Panel& panel, const AnchorTerms* terms,
                         const AnchorStatistics* statistics, Operand weights, cudaStream_t stream) {
  return with_core_and_loss(core, loss, [&](auto constant, const auto& chosen) {
    constexpr Core kCore = decltype(constant)::value;
    const Stages stages = stages_for_device<kCore>(sizeof(TileTerms));
    const int64_t tiles = blocks_of(panel.columns.rows, kTile) * blocks_of(panel.rows.rows, kTile);
    return launch({dim3(static_cast<unsigned>(tiles)), Tiling::kThreads, stages.shared_bytes, stream},
                  weights_kernel<kCore, std::decay_t<decltype(chosen)>>, panel, chosen, terms, statistics, weights,
                  stages.count);
  });
}

}  // namespace circle::cuda
