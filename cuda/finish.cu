// K2, between the passes: partials of tiles → statistics of anchors → losses → the reduced loss → the terms that weigh each
// anchor's pairs. A few hundred bytes and double-precision operations an anchor; latency bounds it.
//
// Every sum has one owner and one order: partials in ascending block order, losses by a tree that depends on their
// number alone.
#include <cfloat>

#include "cuda/dispatch.h"
#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"
#include "cuda/tile_pairs.cuh"

namespace circle::cuda {
namespace {

constexpr int kThreads = 128;  // one an anchor
constexpr int kTree = 256;     // of the one block that sums up

CIRCLE_DEVICE int64_t thread_number() {
  return int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

Launch for_each(int64_t count, cudaStream_t stream) {
  return {dim3(static_cast<unsigned>(blocks_of(count, kThreads))), kThreads, 0, stream};
}

__global__ void reset_statistics_kernel(AnchorStatistics* statistics, int64_t count) {
  if (thread_number() < count) statistics[thread_number()] = AnchorStatistics{};
}

// The partials that a panel has of one anchor, in ascending order of the other block.
struct PartialsOfAnchor {
  const TilePartials *of_columns, *of_rows;
  int64_t column_stride, row_stride;
  int32_t by_columns, count;  // the first come from tiles that have the anchor as a column

  CIRCLE_DEVICE const TilePartials& operator[](int32_t i) const {
    return i < by_columns ? of_columns[i * column_stride] : of_rows[(i - by_columns) * row_stride];
  }
};

CIRCLE_DEVICE PartialsOfAnchor partials_of(const Panel& panel, const TilePartials* column_partials,
                                           const TilePartials* row_partials, int64_t anchor) {
  const int32_t row_blocks = static_cast<int32_t>((panel.rows.rows + kTile - 1) / kTile);
  PartialsOfAnchor all{column_partials + anchor, nullptr, panel.columns.rows, panel.rows.rows, row_blocks, row_blocks};
  const int64_t row = anchor - panel.first_row;
  if (!panel.symmetric || row >= panel.rows.rows) return all;
  // An anchor of the panel's own square: as a column down to the diagonal, then as a row.
  const int32_t own = static_cast<int32_t>(anchor / kTile), blocks = (panel.columns.rows + kTile - 1) / kTile;
  all.by_columns = own - panel.first_row / kTile + 1;
  all.of_rows = row_partials + (own + 1) * panel.rows.rows + row;
  all.count = all.by_columns + blocks - own - 1;
  return all;
}

template <class LossSide>
CIRCLE_DEVICE double rebased(const LossSide& loss, const TilePartial& partial, float reference) {
  if (partial.sum == 0) return 0;
  return static_cast<double>(partial.sum) * natural_exponential(loss.exponent(partial.reference, reference));
}

// Largest references first, then the sums relative to them: no chain of exponentials.
template <class Loss>
CIRCLE_DEVICE void fold_sums(const Loss& loss, const PartialsOfAnchor& partials, AnchorStatistics& into) {
  float positive = kNoKey, negative = kNoKey;
#pragma unroll 4
  for (int32_t i = 0; i < partials.count; ++i) {
    // One without pairs has the reference below every key.
    positive = larger(positive, partials[i].side[kPositive].reference);
    negative = larger(negative, partials[i].side[kNegative].reference);
  }
  double positive_sum = 0, negative_sum = 0;
#pragma unroll 4
  for (int32_t i = 0; i < partials.count; ++i) {
    positive_sum += rebased(loss.positive, partials[i].side[kPositive], positive);
    negative_sum += rebased(loss.negative, partials[i].side[kNegative], negative);
  }
  merge(loss.positive, into.side[kPositive], positive, positive_sum);
  merge(loss.negative, into.side[kNegative], negative, negative_sum);
}

CIRCLE_DEVICE void fold_hardest(Side side, const PartialsOfAnchor& partials, LogSum& hardest, int32_t& candidate) {
  for (int32_t i = 0; i < partials.count; ++i) {
    const TilePartial& partial = partials[i].side[side];
    // The first of equals stays, and so does NaN.
    const bool stays =
        !hardest.empty() && (partial.reference <= hardest.reference || hardest.reference != hardest.reference);
    if (partial.sum == 0 || stays) continue;
    hardest.reference = partial.reference;
    hardest.sum = 1;
    candidate = partial.hardest;
  }
}

template <class Loss>
__global__ void fold_kernel(Panel panel, Loss loss, const TilePartials* column_partials,
                            const TilePartials* row_partials, AnchorStatistics* statistics) {
  const int64_t anchor = thread_number() + (panel.symmetric ? panel.first_row : 0);
  if (anchor >= panel.columns.rows) return;
  const PartialsOfAnchor partials = partials_of(panel, column_partials, row_partials, anchor);
  AnchorStatistics own = statistics[anchor];
  if constexpr (Loss::kHardest) {
    fold_hardest(kPositive, partials, own.side[kPositive], own.hardest[kPositive]);
    fold_hardest(kNegative, partials, own.side[kNegative], own.hardest[kNegative]);
  } else {
    fold_sums(loss, partials, own);
  }
  statistics[anchor] = own;
}

// items[0] becomes the combination of all kTree items; all threads call.
template <class Item, class Combine>
CIRCLE_DEVICE void combine_tree(Item* items, const Combine& combine) {
  barrier();
  for (int half = kTree / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) combine(items[threadIdx.x], items[threadIdx.x + half]);
    barrier();
  }
}

template <class Loss>
CIRCLE_DEVICE void merge_all(const Loss& loss, AnchorStatistics& into, const AnchorStatistics& more) {
  merge(loss.positive, into.side[kPositive], more.side[kPositive].reference, more.side[kPositive].sum);
  merge(loss.negative, into.side[kNegative], more.side[kNegative].reference, more.side[kNegative].sum);
}

template <class Loss>
__global__ void __launch_bounds__(kTree) merge_kernel(Loss loss, AnchorStatistics* statistics, int64_t count) {
  AnchorStatistics* const items = reinterpret_cast<AnchorStatistics*>(shared_memory());
  AnchorStatistics own;
  for (int64_t i = threadIdx.x; i < count; i += kTree) merge_all(loss, own, statistics[i]);
  items[threadIdx.x] = own;
  combine_tree(items, [&](AnchorStatistics& a, const AnchorStatistics& b) { merge_all(loss, a, b); });
  if (threadIdx.x == 0) statistics[0] = items[0];
}

// NaN and what is beyond float32 come out by themselves: they must not scale the others away.
CIRCLE_DEVICE float largest_coefficient(const AnchorStatistics& statistics, const AnchorLoss& loss, float upstream) {
  float largest = 0;
  for (int side = 0; side < 2; ++side) {
    const double coefficient = fabs(loss.derivative / statistics.side[side].sum * static_cast<double>(upstream));
    if (coefficient <= static_cast<double>(FLT_MAX)) largest = larger(largest, static_cast<float>(coefficient));
  }
  return largest;
}

template <class Loss>
__global__ void losses_kernel(Loss loss, const AnchorStatistics* statistics, int64_t count, int pair_multiplicity,
                              const float* upstream, AnchorLoss* losses, float* anchor_losses, Scalars* scalars) {
  const int64_t i = thread_number();
  float largest = 0;
  if (i < count) {
    const AnchorLoss own = anchor_loss(loss, statistics[i], pair_multiplicity);
    losses[i] = own;
    anchor_losses[i] = static_cast<float>(own.loss);
    if (own.valid) largest = largest_coefficient(statistics[i], own, upstream ? upstream[i] : 1.0f);
  }
  // One atomic a warp: thousands on one address would wait for each other.
  for (int mask = 1; mask < 32; mask *= 2) largest = larger(largest, of_lane_xor(largest, mask));
  if (threadIdx.x % 32 == 0) atomic_max(&scalars->largest_coefficient, __float_as_uint(largest));
}

struct LossSums {
  double loss;
  int64_t valid, nonzero;
  int32_t overflows;
};

CIRCLE_DEVICE bool is_float(double x) {
  return fabs(x) <= static_cast<double>(FLT_MAX);
}

// The power of two that brings numbers of at most `bound` to at most 2¹⁴: halves end at 2¹⁶, and a similarity may be
// rounded beyond 1.
CIRCLE_DEVICE float scale_for(double bound) {
  if (!(bound > 0) || !(bound <= DBL_MAX)) return 1;
  int exponent;
  frexp(bound, &exponent);  // bound < 2^exponent
  const int up = 14 - exponent;
  return ldexpf(1.0f, up > 126 ? 126 : up < -126 ? -126 : up);
}

__global__ void __launch_bounds__(kTree)
    reduce_kernel(const AnchorLoss* losses, int64_t count, Reduction reduction, double upstream,
                  bool has_upstream_array, double steepest, Scalars* scalars) {
  LossSums* const items = reinterpret_cast<LossSums*>(shared_memory());
  LossSums own{0, 0, 0, 0};
  for (int64_t i = threadIdx.x; i < count; i += kTree) {
    const AnchorLoss& anchor = losses[i];
    own.loss += anchor.loss;
    own.valid += anchor.valid;
    own.nonzero += anchor.loss != 0;  // NaN counts: it must come out
    own.overflows |= !is_float(anchor.loss);
  }
  items[threadIdx.x] = own;
  combine_tree(items, [](LossSums& a, const LossSums& b) {
    a.loss += b.loss;
    a.valid += b.valid;
    a.nonzero += b.nonzero;
    a.overflows |= b.overflows;
  });
  if (threadIdx.x != 0) return;
  const double by = divisor(reduction, items->valid, items->nonzero, count);
  scalars->loss = by == 0 ? 0 : items->loss / by;
  scalars->valid_anchors = items->valid;
  scalars->overflows = items->overflows || !is_float(scalars->loss);
  scalars->factor = has_upstream_array ? 1 : by == 0 ? 0 : upstream / by;
  // A pair's weight is the sum of two terms at most. `steepest` 0: floats need no scale.
  const double bound =
      2 * steepest * fabs(scalars->factor) * static_cast<double>(__uint_as_float(scalars->largest_coefficient));
  scalars->weight_scale = scale_for(bound);
  scalars->weight_unscale = 1 / scalars->weight_scale;
}

__global__ void terms_kernel(const AnchorStatistics* statistics, const AnchorLoss* losses, const float* upstream,
                             int64_t count, bool shared, const Scalars* scalars, AnchorTerms* terms) {
  const int64_t anchor = thread_number();
  if (anchor >= count) return;
  const int64_t i = shared ? 0 : anchor;
  const double factor = upstream ? static_cast<double>(upstream[i]) : scalars->factor;
  terms[anchor] = anchor_terms(statistics[i], losses[i], factor * static_cast<double>(scalars->weight_scale));
}

// call(loss)
template <class Call>
cudaError_t with_loss(const PairLoss& loss, const Call& call) {
  return std::visit(call, loss);
}

template <class Loss>
using Plain = std::decay_t<Loss>;

}  // namespace

cudaError_t reset_statistics(AnchorStatistics* statistics, int64_t count, cudaStream_t stream) {
  return launch(for_each(count, stream), reset_statistics_kernel, statistics, count);
}

cudaError_t fold_statistics(const PairLoss& loss, const Panel& panel, const TilePartials* column_partials,
                            const TilePartials* row_partials, AnchorStatistics* statistics, cudaStream_t stream) {
  const int64_t anchors = panel.columns.rows - (panel.symmetric ? panel.first_row : 0);
  return with_loss(loss, [&](const auto& chosen) {
    return launch(for_each(anchors, stream), fold_kernel<Plain<decltype(chosen)>>, panel, chosen, column_partials,
                  row_partials, statistics);
  });
}

cudaError_t merge_statistics(const PairLoss& loss, AnchorStatistics* statistics, int64_t count, cudaStream_t stream) {
  const Launch how{dim3(1), kTree, kTree * static_cast<int>(sizeof(AnchorStatistics)), stream};
  return with_loss(loss, [&](const auto& chosen) {
    return launch(how, merge_kernel<Plain<decltype(chosen)>>, chosen, statistics, count);
  });
}

cudaError_t compute_losses(const PairLoss& loss, const AnchorStatistics* statistics, int64_t count,
                           int pair_multiplicity, const float* upstream, AnchorLoss* losses, float* anchor_losses,
                           Scalars* scalars, cudaStream_t stream) {
  return with_loss(loss, [&](const auto& chosen) {
    return launch(for_each(count, stream), losses_kernel<Plain<decltype(chosen)>>, chosen, statistics, count,
                  pair_multiplicity, upstream, losses, anchor_losses, scalars);
  });
}

cudaError_t reduce_losses(Core core, const PairLoss& loss, const AnchorLoss* losses, int64_t count, Reduction reduction,
                          double upstream, bool has_upstream_array, Scalars* scalars, cudaStream_t stream) {
  const double steepest = std::visit(
      [](const auto& chosen) {
        const double positive = chosen.positive.steepest(), negative = chosen.negative.steepest();
        return positive > negative ? positive : negative;
      },
      loss);
  const Launch how{dim3(1), kTree, kTree * static_cast<int>(sizeof(LossSums)), stream};
  return launch(how, reduce_kernel, losses, count, reduction, upstream, has_upstream_array,
                core == Core::kFfma ? 0 : steepest, scalars);
}

cudaError_t compute_terms(const AnchorStatistics* statistics, const AnchorLoss* losses, const float* upstream,
                          int64_t count, bool shared, const Scalars* scalars, AnchorTerms* terms, cudaStream_t stream) {
  return launch(for_each(count, stream), terms_kernel, statistics, losses, upstream, count, shared, scalars, terms);
}

}  // namespace circle::cuda
