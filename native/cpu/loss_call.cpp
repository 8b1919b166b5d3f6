#include "native/cpu/loss_call.h"

#include <algorithm>
#include <cstring>

namespace circle::cpu {

template <class Loss>
LossCall<Loss>::LossCall(const Kernels& kernels, const Problem& problem, const Loss& loss, Results& results,
                         Workspace& workspace, ThreadTeam& team)
    : kernels_(kernels),
      loss_kernels_(std::get<LossKernels<Loss>>(kernels.losses)),
      problem_(problem),
      loss_(loss),
      results_(results),
      workspace_(workspace),
      team_(team),
      // Tiles are worth keeping only for a gradient that is made of them.
      plan_(problem.rows, (results.gradient || results.candidate_gradient) && !Loss::kHardest
                              ? TileStorage::kKept
                              : TileStorage::kRecomputed),
      rows_(kernels, problem.rows, plan_, workspace, team) {}

template <class Loss>
Outcome LossCall<Loss>::run() {
  if (!reserve()) return {Status::kOutOfMemory};
  lay_out_candidate_labels();
  Outcome outcome = rows_.pack_anchors();
  if (outcome.ok()) outcome = rows_.measure_candidates();
  if (outcome.ok()) outcome = forward();
  if (outcome.ok()) outcome = finish();
  if (!outcome.ok() || !wants_gradient()) return outcome;
  if constexpr (Loss::kHardest)
    hardest_gradient();
  else
    gradient();
  if (results_.gradient) unpack_anchors();
  return team_.aborted() ? Outcome{Status::kAborted} : Outcome{};
}

// Everything a call needs is reserved before it computes, so that running out of memory leaves nothing half
// done.
template <class Loss>
bool LossCall<Loss>::reserve() {
  const int64_t floats = sizeof(float), rows = plan_.anchors.rows;
  const Range first = plan_.statistics_panel(0);
  int64_t widest = first.size(), most_tiles = team_.size();
  if (plan_.storage == TileStorage::kKept) most_tiles = plan_.tiles_in(plan_.all_columns());
  for (Range panel{0, 0}; wants_gradient() && !Loss::kHardest && panel.end < plan_.candidates.count();) {
    panel = plan_.gradient_panel(panel.end);
    widest = std::max(widest, panel.size());
    if (plan_.storage == TileStorage::kRecomputed) most_tiles = std::max(most_tiles, plan_.tiles_in(panel));
  }
  Workspace& w = workspace_;
  const int64_t panel_floats = plan_.dim_panels() * kPanel, partial = sizeof(AnchorPartial);
  bool ok = rows_.reserve(widest, {true, wants_gradient()}) &&
            w.tiles.reserve(most_tiles * plan_.tile_floats() * floats) &&
            w.candidate_labels.reserve((plan_.candidates.rows + kGrain) * static_cast<int64_t>(sizeof(int32_t))) &&
            w.row_partials.reserve(first.size() * rows * partial) &&
            w.statistics.reserve(rows * static_cast<int64_t>(sizeof(AnchorStatistics))) &&
            w.losses.reserve(rows * static_cast<int64_t>(sizeof(AnchorLoss))) &&
            w.terms.reserve(rows * static_cast<int64_t>(sizeof(AnchorTerms)));
  if (plan_.symmetric)
    ok = ok && w.column_partials.reserve(plan_.anchors.count() * first.size() * plan_.candidates.edge * partial);
  if (wants_gradient()) ok = ok && w.anchor_gradient.reserve(plan_.anchors.padded_rows() * panel_floats * floats);
  if (results_.candidate_gradient) {
    const int64_t gradient_rows = Loss::kHardest ? plan_.candidates.padded_rows() : widest * plan_.candidates.edge;
    ok = ok && w.candidate_gradient.reserve(gradient_rows * panel_floats * floats);
  }
  return ok;
}

template <class Loss>
void LossCall<Loss>::lay_out_candidate_labels() {
  int32_t* const labels = workspace_.candidate_labels.as<int32_t>();
  const int64_t count = plan_.candidates.rows;
  if (problem_.rows.candidate_kind == CandidateKind::kClasses) {
    for (int64_t c = 0; c < count; ++c) labels[c] = static_cast<int32_t>(c);
  } else {
    std::memcpy(labels, plan_.symmetric ? problem_.anchor_labels : problem_.candidate_labels,
                static_cast<size_t>(count) * sizeof(int32_t));
  }
  std::memset(labels + count, 0, kGrain * sizeof(int32_t));
}

template <class Loss>
Tile LossCall<Loss>::tile_at(TileIndex index, float* values) const {
  return {values,
          problem_.anchor_labels + plan_.anchors.first(index.row_block),
          workspace_.candidate_labels.as<int32_t>() + plan_.candidates.first(index.column_block),
          plan_.anchors.size(index.row_block),
          plan_.candidates.size(index.column_block),
          plan_.diagonal(index) ? 0 : -kTileEdge};
}

template <class Loss>
float* LossCall<Loss>::tile_values(Range panel, TileIndex tile) const {
  const Range stored = plan_.storage == TileStorage::kKept ? plan_.all_columns() : panel;
  return workspace_.tiles.as<float>() + plan_.number(stored, tile) * plan_.tile_floats();
}

// ---- forward
// -------------------------------------------------------------------------------------------------------

template <class Loss>
Outcome LossCall<Loss>::forward() {
  std::fill_n(statistics(), plan_.anchors.rows, AnchorStatistics{});
  for (Range panel{0, 0}; panel.end < plan_.candidates.count();) {
    panel = plan_.statistics_panel(panel.end);
    rows_.pack_candidates(panel, {true, false});
    team_.for_each(plan_.tiles_in(panel), [&](int64_t number, int worker) { tile_statistics(panel, number, worker); });
    team_.for_each(plan_.anchors.count(), [&](int64_t block, int) { fold_statistics(panel, block); });
    if (team_.aborted()) return {Status::kAborted};
  }
  return {};
}

template <class Loss>
void LossCall<Loss>::tile_statistics(Range panel, int64_t number, int worker) {
  const TileIndex index = plan_.tile(panel, number);
  float* const values = plan_.storage == TileStorage::kKept
                            ? tile_values(panel, index)
                            : workspace_.tiles.as<float>() + worker * plan_.tile_floats();
  rows_.similarity_tile(panel, index, values);
  const bool mutual = plan_.symmetric && !plan_.diagonal(index);
  loss_kernels_.statistics(
      loss_, tile_at(index, values), row_partials(panel, index.column_block, plan_.anchors.first(index.row_block)),
      mutual ? column_partials(index.row_block, panel, plan_.candidates.first(index.column_block)) : nullptr);
}

template <class Loss>
AnchorPartial* LossCall<Loss>::row_partials(Range panel, int64_t column_block, int64_t row) const {
  return workspace_.row_partials.as<AnchorPartial>() + (column_block - panel.begin) * plan_.anchors.rows + row;
}

template <class Loss>
AnchorPartial* LossCall<Loss>::column_partials(int64_t row_block, Range panel, int64_t column) const {
  const int64_t stride = plan_.statistics_panel(0).size() * plan_.candidates.edge;
  return workspace_.column_partials.as<AnchorPartial>() + row_block * stride +
         (column - plan_.candidates.first(panel.begin));
}

// Partials of one anchor from one tile, whose other block begins at `first`.
template <class Loss>
void fold(const Loss& loss, AnchorStatistics& into, const AnchorPartial& partial, int64_t first) {
  for (int side : {kPositive, kNegative}) {
    const SidePartial& piece = partial.side[side];
    LogSum& sum = into.side[side];
    if constexpr (Loss::kHardest) {
      // Ascending order and a strict comparison: the first of equals stays. NaN stays once it is there.
      if (piece.sum == 0 || (!sum.empty() && (piece.reference <= sum.reference || sum.reference != sum.reference)))
        continue;
      sum = {piece.reference, 1};
      into.hardest[side] = static_cast<int32_t>(first + piece.hardest);
    } else if (side == kPositive) {
      merge(loss.positive, sum, piece.reference, piece.sum);
    } else {
      merge(loss.negative, sum, piece.reference, piece.sum);
    }
  }
}

template <class Loss>
void LossCall<Loss>::fold_statistics(Range panel, int64_t block) {
  const bool in_panel = plan_.symmetric && block >= panel.begin && block < panel.end;
  for (int r = 0; r < plan_.anchors.size(block); ++r) {
    const int64_t row = plan_.anchors.first(block) + r;
    AnchorStatistics& into = statistics()[row];
    for (int64_t other = 0; in_panel && other < block; ++other)
      fold(loss_, into, *column_partials(other, panel, row), plan_.anchors.first(other));
    const int64_t first = plan_.symmetric ? std::max(panel.begin, block) : panel.begin;
    for (int64_t other = first; other < panel.end; ++other)
      fold(loss_, into, *row_partials(panel, other, row), plan_.candidates.first(other));
  }
}

// ---- finish
// --------------------------------------------------------------------------------------------------------

template <class Loss>
AnchorStatistics LossCall<Loss>::whole_batch() const {
  AnchorStatistics whole;
  for (int64_t row = 0; row < plan_.anchors.rows; ++row) {
    const AnchorStatistics& anchor = statistics()[row];
    merge(loss_.positive, whole.side[kPositive], anchor.side[kPositive].reference, anchor.side[kPositive].sum);
    merge(loss_.negative, whole.side[kNegative], anchor.side[kNegative].reference, anchor.side[kNegative].sum);
  }
  return whole;
}

template <class Loss>
Outcome LossCall<Loss>::finish() {
  const int64_t anchors = plan_.anchors.rows;
  const bool whole = problem_.scope == Scope::kBatch;
  const int64_t count = whole ? 1 : anchors;
  if (whole) statistics()[0] = whole_batch();
  team_.for_each(whole ? 1 : plan_.anchors.count(), [&](int64_t block, int) {
    const int64_t first = plan_.anchors.first(block);
    const int64_t end = std::min(count, first + plan_.anchors.edge);
    for (int64_t row = first; row < end; ++row)
      losses()[row] = anchor_loss(loss_, statistics()[row], whole && plan_.symmetric ? 2 : 1);
  });

  double sum = 0;
  int64_t valid = 0, nonzero = 0;
  for (int64_t row = 0; row < count; ++row) {
    sum += losses()[row].loss;
    valid += losses()[row].valid;
    nonzero += losses()[row].loss > 0;
  }
  if (problem_.rows.finite_check == FiniteCheck::kReport && !(std::fabs(sum) <= 3.402823466e+38))
    return {Status::kOverflow};

  const double by = divisor(problem_.reduction, valid, nonzero, count);
  for (int64_t row = 0; row < count; ++row) results_.anchor_losses[row] = static_cast<float>(losses()[row].loss);
  results_.loss = by == 0 ? 0 : sum / by;
  results_.valid_anchors = valid;
  if (!wants_gradient()) return {};

  for (int64_t row = 0; row < count; ++row) {
    const double factor =
        problem_.anchor_upstream ? problem_.anchor_upstream[row] : (by == 0 ? 0 : problem_.upstream / by);
    terms()[row] = anchor_terms(statistics()[row], losses()[row], factor);
  }
  if (whole) std::fill_n(terms() + 1, anchors - 1, terms()[0]);
  return {};
}

// ---- gradient
// ------------------------------------------------------------------------------------------------------

// Dimensions of one product task: few enough that its rows of both operands stay in L2 beside the tile.
constexpr int64_t kPanelsPerTask = 4;

template <class Loss>
void LossCall<Loss>::gradient() {
  const bool recompute = plan_.storage == TileStorage::kRecomputed;
  const int64_t chunks = (plan_.dim_panels() + kPanelsPerTask - 1) / kPanelsPerTask;
  for (Range panel{0, 0}; panel.end < plan_.candidates.count() && !team_.aborted();) {
    panel = plan_.gradient_panel(panel.end);
    rows_.pack_candidates(panel, {recompute, true});
    team_.for_each(plan_.tiles_in(panel), [&](int64_t number, int) { pair_weights(panel, number); });

    const int64_t anchor_blocks = results_.gradient ? (plan_.symmetric ? panel.end : plan_.anchors.count()) : 0;
    const int64_t candidate_blocks = results_.candidate_gradient ? panel.size() : 0;
    team_.for_each((anchor_blocks + candidate_blocks) * chunks, [&](int64_t task, int) {
      const int64_t target = task / chunks, dim_panel = task % chunks * kPanelsPerTask;
      if (target < anchor_blocks)
        anchor_products(panel, target, dim_panel);
      else
        candidate_products(panel, panel.begin + target - anchor_blocks, dim_panel);
    });
    if (results_.candidate_gradient) unpack_candidates(panel);
  }
}

template <class Loss>
void LossCall<Loss>::pair_weights(Range panel, int64_t number) {
  const TileIndex index = plan_.tile(panel, number);
  float* const values = tile_values(panel, index);
  if (plan_.storage == TileStorage::kRecomputed) rows_.similarity_tile(panel, index, values);
  const AnchorTerms* const columns = plan_.symmetric ? terms() + plan_.candidates.first(index.column_block) : nullptr;
  if constexpr (!Loss::kHardest)
    loss_kernels_.pair_weights(loss_, tile_at(index, values), terms() + plan_.anchors.first(index.row_block), columns);
}

// One block of anchors, in ascending order of the other block: for pair-wise labels first the tiles above it,
// mirrored, then those in its own row.
template <class Loss>
void LossCall<Loss>::anchor_products(Range panel, int64_t block, int64_t first_dim_panel) {
  const Panels gradient = anchor_gradient().from_row(plan_.anchors.first(block)).from_panel(first_dim_panel);
  if (plan_.symmetric && block >= panel.begin)
    for (int64_t other = 0; other < block; ++other)
      product(panel, {other, block}, Orientation::kColumns, first_dim_panel, gradient);
  for (int64_t other = plan_.symmetric ? std::max(panel.begin, block) : panel.begin; other < panel.end; ++other)
    product(panel, {block, other}, Orientation::kRows, first_dim_panel, gradient);
}

template <class Loss>
void LossCall<Loss>::candidate_products(Range panel, int64_t block, int64_t first_dim_panel) {
  const Panels gradient =
      candidate_gradient(panel).from_row((block - panel.begin) * plan_.candidates.edge).from_panel(first_dim_panel);
  for (int64_t other = 0; other < plan_.anchors.count(); ++other)
    product(panel, {other, block}, Orientation::kColumns, first_dim_panel, gradient);
}

template <class Loss>
void LossCall<Loss>::product(Range panel, TileIndex tile, Orientation orientation, int64_t first_dim_panel,
                             Panels gradient) {
  const bool by_rows = orientation == Orientation::kRows;
  const int rows = plan_.anchors.size(tile.row_block), columns = plan_.candidates.size(tile.column_block);
  const Panels others = by_rows ? rows_.candidates(panel, tile.column_block)
                                : rows_.anchors().from_row(plan_.anchors.first(tile.row_block));
  const int64_t other_block = by_rows ? tile.column_block : tile.row_block;
  kernels_.accumulate(tile_values(panel, tile), orientation, by_rows ? rows : columns, by_rows ? columns : rows,
                      others.from_panel(first_dim_panel),
                      static_cast<int>(std::min(kPanelsPerTask, plan_.dim_panels() - first_dim_panel)), gradient,
                      other_block == 0 ? Start::kFresh : Start::kContinue);
}

// ---- gradient of hardest pairs
// -------------------------------------------------------------------------------------

// Three rows an anchor: towards its hardest positive, away from its hardest negative, and their answers.
// Anchors in order, each thread its own dimensions.
template <class Loss>
void LossCall<Loss>::hardest_gradient() {
  const int64_t dim = plan_.dim, candidates = plan_.candidates.rows;
  const Panels of_anchors = anchor_gradient(), anchors = rows_.anchors();
  const bool answers = plan_.symmetric ? results_.gradient != nullptr : results_.candidate_gradient != nullptr;
  const Panels of_candidates =
      plan_.symmetric ? of_anchors
                      : Panels{workspace_.candidate_gradient.as<float>(), plan_.candidates.padded_rows() * kPanel};
  const RowScale* const scales = rows_.candidate_scales();
  team_.for_each(plan_.dim_panels(), [&](int64_t panel, int) {
    std::fill_n(of_anchors.from_panel(panel).values, plan_.anchors.rows * kPanel, 0.0f);
    if (answers && !plan_.symmetric) std::fill_n(of_candidates.from_panel(panel).values, candidates * kPanel, 0.0f);
    const int64_t first = panel * kPanel, width = std::min<int64_t>(kPanel, dim - first);
    for (int64_t row = 0; row < plan_.anchors.rows; ++row) {
      const float weight = terms()[row].side[kPositive].coefficient;
      if (weight == 0) continue;
      for (int side : {kPositive, kNegative}) {
        const int64_t candidate = statistics()[row].hardest[side];
        const float signed_weight = side == kPositive ? -weight : weight;
        const float* const raw = problem_.rows.candidates + candidate * dim + first;
        const float scale = signed_weight * scales[candidate].inverse;
        float* const own = of_anchors.from_row(row).from_panel(panel).values;
        for (int64_t d = 0; d < width; ++d) own[d] += scale * raw[d];
        if (!answers) continue;
        const float* const anchor = anchors.from_row(row).from_panel(panel).values;
        float* const answer = of_candidates.from_row(candidate).from_panel(panel).values;
        for (int64_t d = 0; d < width; ++d) answer[d] += signed_weight * anchor[d];
      }
    }
  });
  if (results_.candidate_gradient) unpack_unpacked_candidates();
}

// The hardest candidates were read as given; the normalisation's gradient wants them packed, a panel at a
// time.
template <class Loss>
void LossCall<Loss>::unpack_unpacked_candidates() {
  const Panels gradient{workspace_.candidate_gradient.as<float>(), plan_.candidates.padded_rows() * kPanel};
  for (Range panel{0, 0}; panel.end < plan_.candidates.count();) {
    panel = plan_.statistics_panel(panel.end);
    rows_.pack_candidates(panel, {false, true});
    team_.for_each(panel.size(), [&](int64_t i, int) {
      const int64_t block = panel.begin + i, first = plan_.candidates.first(block);
      kernels_.unpack_gradient(gradient.from_row(first), rows_.candidates(panel, block),
                               rows_.candidate_scales() + first, plan_.candidates.size(block), plan_.dim,
                               results_.candidate_gradient + first * plan_.dim);
    });
  }
}

// ---- unpack
// --------------------------------------------------------------------------------------------------------

template <class Loss>
Panels LossCall<Loss>::anchor_gradient() const {
  return {workspace_.anchor_gradient.as<float>(), plan_.anchors.padded_rows() * kPanel};
}

template <class Loss>
Panels LossCall<Loss>::candidate_gradient(Range panel) const {
  return {workspace_.candidate_gradient.as<float>(), panel.size() * plan_.candidates.edge * kPanel};
}

template <class Loss>
void LossCall<Loss>::unpack_anchors() {
  team_.for_each(plan_.anchors.count(), [&](int64_t block, int) {
    const int64_t first = plan_.anchors.first(block);
    kernels_.unpack_gradient(anchor_gradient().from_row(first), rows_.anchors().from_row(first),
                             rows_.anchor_scales() + first, plan_.anchors.size(block), plan_.dim,
                             results_.gradient + first * plan_.dim);
  });
}

template <class Loss>
void LossCall<Loss>::unpack_candidates(Range panel) {
  team_.for_each(panel.size(), [&](int64_t i, int) {
    const int64_t block = panel.begin + i, first = plan_.candidates.first(block);
    kernels_.unpack_gradient(candidate_gradient(panel).from_row(i * plan_.candidates.edge),
                             rows_.candidates(panel, block), rows_.candidate_scales() + first,
                             plan_.candidates.size(block), plan_.dim, results_.candidate_gradient + first * plan_.dim);
  });
}

template class LossCall<CircleLoss>;
template class LossCall<UnifiedLoss>;
template class LossCall<ArcFaceLoss>;
template class LossCall<TripletLoss>;

}  // namespace circle::cpu
