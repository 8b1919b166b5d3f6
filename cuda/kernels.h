// What the device can be asked to do, seen from the host: each function enqueues one kernel on a stream and returns at
// once. Pointers are device memory but where the text says otherwise; sizes are in elements.
//
// A call is cut into panels, rows of tiles of the similarity matrix (plan.h):
//
//                      columns: the batch, or the anchors
//                     ┌──────────────────────────────────┐
//   rows: the batch,  │ ░░░░░░ ┌─────────────────────────┤   pair-wise labels: a panel begins at its own diagonal;
//   or the candidates │ ░░░░░░ │  panel                  │   what is left of it was above the diagonal of an
//                     │        └─────────────────────────┤   earlier panel
//                     └──────────────────────────────────┘
//
//   forward    for each panel: pack → statistics → fold;   then losses → terms
//   gradient   for each panel: pack → weights → product by rows → product by columns → unpack
//   nearest    for each panel: pack → similarities → keep
//   ranks      for each panel: pack → similarities, few of them → own;   sort;   for each panel: pack → similarities →
//              count;   then add up
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "native/core/anchor_terms.h"
#include "native/core/problem.h"
#include "native/core/status.h"

namespace circle::cuda {

// How products of operands are computed.
enum class Core : int {
  kFfma,   // float32 multiply-adds on rows as they are: any range of numbers
  kFast,   // one product of halves on the tensor cores
  kExact,  // three products of halves, high and low, summed outside the tensor cores every 32 steps
};

// Edge of a tile of similarities, and of a tile of a product's result.
constexpr int kTile = 128;

// A matrix that a product reads: rows of `stride` elements, 16-byte aligned, zeros from `columns` to `stride`.
// kFfma: floats in `high`. kFast: halves in `high`. kExact: halves in both, the number is high + low / kLowScale. They
// hold multiples of numbers: of rows kRowScale, of pair weights a power of two that the call's Scalars tell.
struct Operand {
  void* high;
  void* low;
  int64_t rows;
  int32_t columns;
  int32_t stride;
};

// Bytes of one element in all its planes; how many elements make 16 bytes of a plane, of which `stride` is a multiple.
constexpr int64_t element_bytes(Core core) {
  return core == Core::kFast ? 2 : 4;
}
constexpr int32_t stride_for(Core core, int64_t columns) {
  const int64_t multiple = core == Core::kFfma ? 4 : 8;
  return static_cast<int32_t>((columns + multiple - 1) / multiple * multiple);
}

// x̂ = x / ‖x‖ and the way back, as the CPU engine has it: dx = inverse · (g − projects · (g·x̂) x̂).
struct RowScale {
  float inverse;
  float correction;  // what rounding took from `inverse`
  float projects;
};

// Rows as they were given, from number `first` on: row i of `count` is number n = first + i, and lies at
// values + (chosen ? chosen[n] : n) · dim.
struct GivenRows {
  const float* values;
  const int32_t* chosen;
  int64_t first, count;
  int32_t dim;
};

// What one tile says of one side of one anchor.
struct TilePartial {
  float reference;
  float sum;        // 0 where the tile has no such pair
  int32_t hardest;  // which candidate, where the loss is made of hardest pairs
};
struct TilePartials {
  TilePartial side[2];
};

// The numbers of a call that are computed on the device. One structure in device memory.
struct Scalars {
  // Written by `reset_scalars`, then by pack_rows: first row that is not finite, of anchors and of candidates.
  int32_t first_bad_row[2];
  // By compute_losses.
  uint32_t largest_coefficient;  // bits of a float ≥ 0, before the factor that is common to all anchors
  // By reduce_losses.
  int32_t overflows;  // an anchor's loss, or the reduced one, is beyond float32
  int64_t valid_anchors;
  double loss;
  double factor;         // ∂final/∂(each loss): 1 where the call has an upstream array
  float weight_scale;    // power of two that pair weights are multiplied with before they become halves; 1 for kFfma
  float weight_unscale;  // its inverse
};
constexpr int32_t kNoBadRow = INT32_MAX;

// One panel of the similarity matrix.
struct Panel {
  Operand rows;                  // of the panel: candidates [first_row, first_row + rows.rows)
  Operand columns;               // all of them: the anchors (pair-wise labels: the same batch)
  const int32_t* row_labels;     // of all candidates; null for class weights, where row r has label r
  const int32_t* column_labels;  // of all anchors
  int32_t first_row;             // a multiple of kTile
  bool symmetric;  // pair-wise labels: rows are columns too, and tiles left of the diagonal are not computed
  bool unit;       // rows are unit rows: the matrix's similarities stay within [−1, 1]
};

cudaError_t reset_scalars(Scalars* scalars, cudaStream_t stream);

// --- Rows ---

// Measures rows, writes their scales and, where `packed.high` is not null, packs them: packed has `count` rows and `dim`
// columns. `scalars->first_bad_row[array]` becomes the least number of a row with NaN or ±Inf.
cudaError_t pack_rows(Core core, const GivenRows& rows, Normalize normalize, RowScale* scales, Operand packed,
                      InputArray array, Scalars* scalars, cudaStream_t stream);

// Sums of gradients as products leave them: `splits` slices, `slice` floats apart, to be added
// up in ascending order. None: no splits.
struct Sums {
  const float* first;
  int32_t splits;
  int64_t slice;
};

// gradient[row][d] (count × dim, row-major) from two sets of sums, both with rows of `sum_stride` floats: back through the
// normalisation, times Scalars::weight_unscale and the inverse of the rows' own scale in halves. `rows` are the rows as
// given.
cudaError_t unpack_gradient(Core core, const Sums& sums, const Sums& more, int32_t sum_stride, const GivenRows& rows,
                            const RowScale* scales, const Scalars* scalars, float* gradient, cudaStream_t stream);

// The same gradient of one set of sums, into a step of the optimiser on the rows themselves.
cudaError_t step_candidates(Core core, const Sums& sums, int32_t sum_stride, const GivenRows& rows,
                            const RowScale* scales, const Scalars* scalars, const CandidateUpdate& update,
                            cudaStream_t stream);

// --- Forward ---

// Statistics of `count` anchors become those of no pair.
cudaError_t reset_statistics(AnchorStatistics* statistics, int64_t count, cudaStream_t stream);

// Each tile of the panel writes what it says of its columns to column_partials[row block of the panel][column], and for
// pair-wise labels, off the diagonal, what it says of its rows to row_partials[column block][row of the panel].
// column_partials: ceil(rows.rows / kTile) × columns.rows; row_partials (symmetric only): ceil(columns.rows / kTile) ×
// rows.rows; column blocks are counted from column 0.
cudaError_t tile_statistics(Core core, const PairLoss& loss, const Panel& panel, TilePartials* column_partials,
                            TilePartials* row_partials, cudaStream_t stream);

// Statistics of each anchor take in the panel's partials, in ascending order of the other block.
cudaError_t fold_statistics(const PairLoss& loss, const Panel& panel, const TilePartials* column_partials,
                            const TilePartials* row_partials, AnchorStatistics* statistics, cudaStream_t stream);

// Scope::kBatch: statistics[0] becomes that of all `count` anchors together.
cudaError_t merge_statistics(const PairLoss& loss, AnchorStatistics* statistics, int64_t count, cudaStream_t stream);

// losses[i] of statistics[i] for i < count, and Scalars::largest_coefficient. `upstream`: count floats, or null.
cudaError_t compute_losses(const PairLoss& loss, const AnchorStatistics* statistics, int64_t count,
                           int pair_multiplicity, const float* upstream, AnchorLoss* losses, float* anchor_losses,
                           Scalars* scalars, cudaStream_t stream);

// Sums losses in an order of its own, always the same; fills the rest of the Scalars. `upstream` is ∂final/∂loss, and
// has_upstream_array says that the array given above replaces it.
cudaError_t reduce_losses(Core core, const PairLoss& loss, const AnchorLoss* losses, int64_t count, Reduction reduction,
                          double upstream, bool has_upstream_array, Scalars* scalars, cudaStream_t stream);

// --- Gradient ---

// terms[i] of each of `count` anchors, coefficients times Scalars::weight_scale. Scope::kBatch: `shared` is true, and
// statistics[0], losses[0], upstream[0] are everybody's.
cudaError_t compute_terms(const AnchorStatistics* statistics, const AnchorLoss* losses, const float* upstream,
                          int64_t count, bool shared, const Scalars* scalars, AnchorTerms* terms, cudaStream_t stream);

// Pair weights of the panel, in the core's own format: weights has the panel's rows.rows rows, and a column for each
// anchor from `first_row` (symmetric) or from 0 on. Inside the panel's own square both triangles are written.
// `statistics` tells hardest pairs (triplet). column terms are those of the anchors.
cudaError_t pair_weights(Core core, const PairLoss& loss, const Panel& panel, const AnchorTerms* terms,
                         const AnchorStatistics* statistics, Operand weights, cudaStream_t stream);

enum class Along : int {
  kRows,
  kColumns
};  // whose gradient: the rows' (weights × others) or the columns' (weightsᵀ × others)
enum class Start : int { kFresh, kContinue };  // overwrite the sums or add to them

// sums[split][row][d] (+)= Σ over the split's share of steps. kRows: results are rows [0, weights.rows), steps are the
// weights' columns, step k is others' row k. kColumns: results are columns [first_result, weights.columns), steps are
// weights' rows, and step k is others' row k; sums begin at the row of result first_result. `slice`: floats from one
// split to the next. Each result has one owner, and a split's steps are a function of the counts alone.
struct Product {
  Operand weights;
  Operand others;  // from step 0 on; others.columns = dim
  Along along;
  Start start;
  int32_t first_result;  // a multiple of kTile
  int32_t splits;
  float* sums;
  int64_t slice;
  int32_t sum_stride;
};
cudaError_t multiply(Core core, const Product& product, cudaStream_t stream);

// --- The similarity matrix ---

struct CandidateRange {
  int32_t begin, end;  // nothing where they are not in this order
};

// out[anchor][candidate − first_row], a row every out_stride floats: similarities of the panel's rows with all columns,
// whether the panel is symmetric or not (both triangles of it). `wanted`: of each kTile anchors the candidates that are
// needed, and tiles without any are left as they were; or null, for all of them.
cudaError_t similarity_matrix(Core core, const Panel& panel, const CandidateRange* wanted, float* out,
                              int64_t out_stride, cudaStream_t stream);

// --- Retrieval (native/core/ranking.h) ---

// What similarity_matrix has written of a panel: a row of `count` numbers for each anchor, one row after the other, of
// the candidates from `first` on.
struct SimilarityPanel {
  const float* values;
  int64_t anchors;
  int32_t first, count;
  bool symmetric;  // candidates are the anchors
};

// Scalars::overflows, where one of `count` numbers is not finite.
cudaError_t flag_infinite(const float* values, int64_t count, Scalars* scalars, cudaStream_t stream);

// Of each anchor a list of k, nearest first: similarities and candidates apart, anchor_count × k each.
struct NearestLists {
  float* similarities;
  int32_t* candidates;
  int64_t k;
};

// Lists become those of nobody: −∞, behind every candidate.
cudaError_t reset_nearest(const NearestLists& lists, int64_t anchors, cudaStream_t stream);

// Lists take in a panel's candidates; NaN is nobody's neighbour.
cudaError_t keep_nearest(const SimilarityPanel& panel, const NearestLists& lists, cudaStream_t stream);

// The own run of each anchor: candidates [first, end), whose numbers lie from `offsets` on in arrays of all runs.
struct OwnRuns {
  const int32_t *first, *end;
  int64_t* offsets;
  int64_t anchors;
  int64_t longest;
};

// Writes the offsets, and between which candidates the runs of each kTile anchors lie.
cudaError_t lay_out_runs(const OwnRuns& runs, CandidateRange* hulls, cudaStream_t stream);

// Copies what a panel has of the own runs to `similarities` and to `thresholds`.
cudaError_t record_own(const SimilarityPanel& panel, const OwnRuns& runs, float* similarities, float* thresholds,
                       cudaStream_t stream);

// Thresholds of each run in ascending order, and intervals without anybody in them.
cudaError_t sort_thresholds(const OwnRuns& runs, float* thresholds, int32_t* intervals, cudaStream_t stream);

// intervals[i] += how many of the panel's other candidates reach threshold i of their anchor, and not i + 1.
cudaError_t count_reached(const SimilarityPanel& panel, const OwnRuns& runs, const float* thresholds,
                          int32_t* intervals, cudaStream_t stream);

// reached_by of each similarity; `intervals` is used up.
cudaError_t add_up_reached(const OwnRuns& runs, const float* similarities, const float* thresholds, int32_t* intervals,
                           int32_t* reached_by, cudaStream_t stream);

}  // namespace circle::cuda
