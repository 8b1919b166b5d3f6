// K1, the forward pass: a tile of similarities, and what it says of each of its anchors: the largest key and the sum of
// exponentials relative to it, on either side. The tile never leaves the registers.
//
// One block a tile. Rows and columns are read once a tile and slab (128 × dim each), written are 24 bytes an anchor.
// The product bounds it, 2 · 128² · dim flops, from a dim of some hundreds on; below, some 80 operations a pair do.
#include "cuda/product.cuh"
#include "cuda/tile_pairs.cuh"

namespace circle::cuda {
namespace {

// Whose statistics: a line is a column (an anchor), or a row (the same batch once more), and its pairs are the numbers
// that cross it.
enum class Line : int { kColumn, kRow };

template <Line line>
struct Lines {
  static constexpr bool kColumns = line == Line::kColumn;
  static constexpr int kCount = kColumns ? Tiling::kColumns : Tiling::kRows;
  static constexpr int kLength = kColumns ? Tiling::kRows : Tiling::kColumns;
  static constexpr int kWarps = kColumns ? Tiling::kWarpRows : Tiling::kWarpColumns;  // that a line passes through

  CIRCLE_DEVICE static int row(int l, int i) { return kColumns ? i : l; }
  CIRCLE_DEVICE static int column(int l, int i) { return kColumns ? l : i; }
  CIRCLE_DEVICE static int place(const Position& at, int l) { return kColumns ? at.column(l) : at.row(l); }
  CIRCLE_DEVICE static int warp(const Position& at) { return kColumns ? at.warp_row : at.warp_column; }
  // One lane of those that share a line.
  CIRCLE_DEVICE static bool leads(const Position& at) { return kColumns ? at.lane / 4 == 0 : at.lane % 4 == 0; }

  // Among the lanes that share a line, in an order that is always the same.
  template <class Number, class Combine>
  CIRCLE_DEVICE static Number over_lanes(Number x, const Combine& combine) {
    if constexpr (kColumns) {
      x = combine(x, of_lane_xor(x, 4));
      x = combine(x, of_lane_xor(x, 8));
      return combine(x, of_lane_xor(x, 16));
    } else {
      x = combine(x, of_lane_xor(x, 1));
      return combine(x, of_lane_xor(x, 2));
    }
  }
};

// What the warps tell each other.
struct Exchange {
  float references[4][kTile];
  float sums[4][kTile];
  int32_t hardest[4][kTile];
};

// Writes the result of line `place` of the tile; lines that do not exist are nobody's.
struct Destination {
  TilePartials* first;
  int64_t count;

  CIRCLE_DEVICE void write(int place, Side side, const TilePartial& partial) const {
    if (place < count) first[place].side[side] = partial;
  }
};

template <Line line, class LossSide>
CIRCLE_DEVICE void sums_of_side(const LossSide& loss, Side side, const Fragment& s, const TilePairs& pairs,
                                Exchange& exchange, const Destination& to) {
  using L = Lines<line>;
  const Position& at = pairs.at;
  // Positives are few: most warps have none.
  const bool has_pairs = any_lane(pairs.any(side));
#pragma unroll
  for (int l = 0; l < L::kCount; ++l) {
    float reference = kNoKey;
    if (has_pairs) {
#pragma unroll
      for (int i = 0; i < L::kLength; ++i) {
        const int r = L::row(l, i), c = L::column(l, i);
        const float key = loss.key(s.at(r, c));
        if (pairs.has(side, r, c)) reference = larger(reference, key);
      }
      reference = L::over_lanes(reference, [](float a, float b) { return larger(a, b); });
    }
    if (L::leads(at)) exchange.references[L::warp(at)][L::place(at, l)] = reference;
  }
  barrier();
#pragma unroll
  for (int l = 0; l < L::kCount; ++l) {
    float sum = 0;
    if (has_pairs) {
      float reference = kNoKey;
#pragma unroll
      for (int w = 0; w < L::kWarps; ++w) reference = larger(reference, exchange.references[w][L::place(at, l)]);
#pragma unroll
      for (int i = 0; i < L::kLength; ++i) {
        const int r = L::row(l, i), c = L::column(l, i);
        const float exponential = natural_exponential(loss.exponent(loss.key(s.at(r, c)), reference));
        sum += pairs.has(side, r, c) ? exponential : 0;
      }
      sum = L::over_lanes(sum, [](float a, float b) { return a + b; });
    }
    if (L::leads(at)) exchange.sums[L::warp(at)][L::place(at, l)] = sum;
  }
  barrier();
  for (int place = static_cast<int>(threadIdx.x); place < kTile; place += Tiling::kThreads) {
    TilePartial whole{kNoKey, 0, -1};
    for (int w = 0; w < L::kWarps; ++w) {
      whole.reference = larger(whole.reference, exchange.references[w][place]);
      whole.sum += exchange.sums[w][place];
    }
    to.write(place, side, whole);
  }
  // The next side writes where this one is read.
  barrier();
}

// The hardest pair of several: NaN before everything, for it must come out of the loss; then the largest key; of equals
// the first.
struct Hardest {
  float key;
  int32_t candidate;  // −1: none

  CIRCLE_DEVICE static Hardest of(const Hardest& a, const Hardest& b) {
    if (a.candidate < 0 || b.candidate < 0) return a.candidate < 0 ? b : a;
    const bool a_is_nan = a.key != a.key, b_is_nan = b.key != b.key;
    if (a_is_nan != b_is_nan) return a_is_nan ? a : b;
    if (a.key > b.key) return a;
    if (b.key > a.key) return b;
    return a.candidate < b.candidate ? a : b;
  }
};

CIRCLE_DEVICE Hardest of_lane_xor(const Hardest& x, int mask) {
  return {circle::cuda::of_lane_xor(x.key, mask), circle::cuda::of_lane_xor(x.candidate, mask)};
}

// `first_candidate`: the candidate that crosses the tile's lines first.
template <Line line, class LossSide>
CIRCLE_DEVICE void hardest_of_side(const LossSide& loss, Side side, const Fragment& s, const TilePairs& pairs,
                                   int32_t first_candidate, Exchange& exchange, const Destination& to) {
  using L = Lines<line>;
  const Position& at = pairs.at;
#pragma unroll
  for (int l = 0; l < L::kCount; ++l) {
    Hardest hardest{kNoKey, -1};
#pragma unroll
    for (int i = 0; i < L::kLength; ++i) {
      const int r = L::row(l, i), c = L::column(l, i);
      const int32_t candidate = first_candidate + (line == Line::kColumn ? at.row(r) : at.column(c));
      if (pairs.has(side, r, c)) hardest = Hardest::of(hardest, {loss.key(s.at(r, c)), candidate});
    }
    hardest = L::over_lanes(hardest, Hardest::of);
    if (L::leads(at)) {
      exchange.references[L::warp(at)][L::place(at, l)] = hardest.key;
      exchange.hardest[L::warp(at)][L::place(at, l)] = hardest.candidate;
    }
  }
  barrier();
  for (int place = static_cast<int>(threadIdx.x); place < kTile; place += Tiling::kThreads) {
    Hardest whole{kNoKey, -1};
    for (int w = 0; w < L::kWarps; ++w)
      whole = Hardest::of(whole, {exchange.references[w][place], exchange.hardest[w][place]});
    to.write(place, side, {whole.key, whole.candidate < 0 ? 0.0f : 1.0f, whole.candidate});
  }
  barrier();
}

template <Line line, class Loss>
CIRCLE_DEVICE void statistics_of(const Loss& loss, const Fragment& s, const TilePairs& pairs, int32_t first_candidate,
                                 const Destination& to) {
  Exchange& exchange = *reinterpret_cast<Exchange*>(shared_memory());
  if constexpr (Loss::kHardest) {
    hardest_of_side<line>(loss.negative, kNegative, s, pairs, first_candidate, exchange, to);
    hardest_of_side<line>(loss.positive, kPositive, s, pairs, first_candidate, exchange, to);
  } else {
    sums_of_side<line>(loss.negative, kNegative, s, pairs, exchange, to);
    sums_of_side<line>(loss.positive, kPositive, s, pairs, exchange, to);
  }
}

// blockIdx.x: tile, one column of tiles after the other: the panel's rows stay in L2 while the columns pass by.
template <Core core, class Loss>
__global__ void __launch_bounds__(Tiling::kThreads, 1)
    statistics_kernel(Panel panel, Loss loss, TilePartials* column_partials, TilePartials* row_partials, int stages) {
  const unsigned row_blocks = static_cast<unsigned>((panel.rows.rows + kTile - 1) / kTile);
  const int row_block = static_cast<int>(blockIdx.x % row_blocks);
  const int column_block = static_cast<int>(blockIdx.x / row_blocks);
  const int diagonal = panel.symmetric ? panel.first_row / kTile + row_block : -1;
  if (panel.symmetric && column_block < diagonal) return;
  const int64_t first_row = int64_t{kTile} * row_block, first_column = int64_t{kTile} * column_block;

  Fragment s;
  similarities<core>(s, panel.rows, first_row, panel.columns, first_column, stages);
  const TilePairs pairs(panel, row_block, column_block);
  statistics_of<Line::kColumn>(
      loss, s, pairs, static_cast<int32_t>(panel.first_row + first_row),
      {column_partials + row_block * panel.columns.rows + first_column, panel.columns.rows - first_column});
  // The diagonal tile's columns have all its pairs.
  if (panel.symmetric && column_block != diagonal)
    statistics_of<Line::kRow>(loss, s, pairs, static_cast<int32_t>(first_column),
                              {row_partials + column_block * panel.rows.rows + first_row, panel.rows.rows - first_row});
}

}  // namespace

cudaError_t tile_statistics(Core core, const PairLoss& loss, const Panel& panel, TilePartials* column_partials,
                            TilePartials* row_partials, cudaStream_t stream) {
  return with_core_and_loss(core, loss, [&](auto constant, const auto& chosen) {
    constexpr Core kCore = decltype(constant)::value;
    const Stages stages = stages_for_device<kCore>(sizeof(Exchange));
    const int64_t tiles = blocks_of(panel.columns.rows, kTile) * blocks_of(panel.rows.rows, kTile);
    return launch({dim3(static_cast<unsigned>(tiles)), Tiling::kThreads, stages.shared_bytes, stream},
                  statistics_kernel<kCore, std::decay_t<decltype(chosen)>>, panel, chosen, column_partials,
                  row_partials, stages.count);
  });
}

}  // namespace circle::cuda
