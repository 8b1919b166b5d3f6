// The forward pass: for each panel, tiles → similarities → partial statistics, then partials → statistics of anchors.
//
// Each tile is one task and writes the partials of its rows, and for pair-wise labels of its columns, where nobody else
// does. Each anchor folds its partials in ascending order of the other block, whoever computed them and however the
// panels are cut: same inputs, same bits.
#pragma once

#include <algorithm>
#include <numeric>

#include "native/cpu/loss_call.h"

namespace circle::cpu {

template <class Loss>
class StatisticsPass {
 public:
  explicit StatisticsPass(const LossCall<Loss>& call) : call_(call), plan_(call.plan) {}

  bool reserve() {
    const int64_t width = plan_.statistics_panel(0).size(), partial = sizeof(AnchorPartial);
    const int64_t row_partials = width * plan_.anchors.rows;
    const int64_t column_partials = plan_.symmetric ? plan_.anchors.count() * width * plan_.candidates.edge : 0;
    return call_.workspace.row_partials.reserve(row_partials * partial) &&
           call_.workspace.column_partials.reserve(column_partials * partial) &&
           call_.workspace.candidate_labels.reserve((plan_.candidates.rows + kGrain) *
                                                    static_cast<int64_t>(sizeof(int32_t))) &&
           call_.workspace.tiles.reserve(call_.team.size() * plan_.tile_floats() *
                                         static_cast<int64_t>(sizeof(float))) &&
           call_.workspace.statistics.reserve(plan_.anchors.rows * static_cast<int64_t>(sizeof(AnchorStatistics)));
  }

  Outcome run() {
    lay_out_candidate_labels();
    std::fill_n(call_.statistics(), plan_.anchors.rows, AnchorStatistics{});
    for (Range panel{0, 0}; panel.end < plan_.candidates.count();) {
      panel = plan_.statistics_panel(panel.end);
      call_.rows.pack_candidates(panel, {true, true, false});
      const Outcome finite = call_.rows.check_finite();
      if (!finite.ok()) return finite;
      call_.team.for_each(plan_.tiles_in(panel), [&](int64_t number, int worker) { measure(panel, number, worker); });
      call_.team.for_each(plan_.anchors.count(), [&](int64_t block, int) { fold_block(panel, block); });
      if (call_.team.aborted()) return {Status::kAborted};
    }
    return {};
  }

 private:
  // With padding, so that vectors of labels may be read beyond the last one.
  void lay_out_candidate_labels() const {
    int32_t* const labels = call_.workspace.candidate_labels.template as<int32_t>();
    const int64_t count = plan_.candidates.rows;
    const Rows& rows = call_.problem.rows;
    if (rows.candidate_kind == CandidateKind::kClasses && rows.candidate_rows)
      std::copy_n(rows.candidate_rows, count, labels);
    else if (rows.candidate_kind == CandidateKind::kClasses)
      std::iota(labels, labels + count, 0);
    else
      std::copy_n(plan_.symmetric ? call_.problem.anchor_labels : call_.problem.candidate_labels, count, labels);
    std::fill_n(labels + count, kGrain, 0);
  }

  void measure(Range panel, int64_t number, int worker) const {
    const TileIndex index = plan_.tile(panel, number);
    float* const values = plan_.storage == TileStorage::kKept
                              ? call_.tile_values(panel, index)
                              : call_.workspace.tiles.template as<float>() + worker * plan_.tile_floats();
    call_.rows.similarity_tile(index, values);
    const int64_t row = plan_.anchors.first(index.row_block), column = plan_.candidates.first(index.column_block);
    const bool mutual = plan_.symmetric && !plan_.diagonal(index);
    call_.loss_kernels.statistics(call_.loss, call_.tile_at(index, values),
                                  row_partials(panel, index.column_block, row),
                                  mutual ? column_partials(panel, index.row_block, column) : nullptr);
  }

  // What a tile column of the panel says of an anchor on its rows.
  AnchorPartial* row_partials(Range panel, int64_t column_block, int64_t row) const {
    return call_.workspace.row_partials.template as<AnchorPartial>() +
           (column_block - panel.begin) * plan_.anchors.rows + row;
  }

  // What a tile row says of an anchor on the panel's columns.
  AnchorPartial* column_partials(Range panel, int64_t row_block, int64_t column) const {
    const int64_t stride = plan_.statistics_panel(0).size() * plan_.candidates.edge;
    return call_.workspace.column_partials.template as<AnchorPartial>() + row_block * stride +
           (column - plan_.candidates.first(panel.begin));
  }

  void fold_block(Range panel, int64_t block) const {
    const bool in_panel = plan_.symmetric && block >= panel.begin && block < panel.end;
    const int64_t first_column = plan_.symmetric ? std::max(panel.begin, block) : panel.begin;
    for (int r = 0; r < plan_.anchors.size(block); ++r) {
      const int64_t row = plan_.anchors.first(block) + r;
      AnchorStatistics& anchor = call_.statistics()[row];
      for (int64_t other = 0; in_panel && other < block; ++other)
        fold(anchor, *column_partials(panel, other, row), plan_.anchors.first(other));
      for (int64_t other = first_column; other < panel.end; ++other)
        fold(anchor, *row_partials(panel, other, row), plan_.candidates.first(other));
    }
  }

  // One tile's partial, whose other block begins at candidate `first`.
  void fold(AnchorStatistics& into, const AnchorPartial& partial, int64_t first) const {
    if constexpr (Loss::kHardest) {
      for (int side : {kPositive, kNegative}) {
        const SidePartial& piece = partial.side[side];
        LogSum& hardest = into.side[side];
        // The first of equals stays, and so does NaN.
        const bool stays =
            !hardest.empty() && (piece.reference <= hardest.reference || hardest.reference != hardest.reference);
        if (piece.sum == 0 || stays) continue;
        hardest = {piece.reference, 1};
        into.hardest[side] = static_cast<int32_t>(first + piece.hardest);
      }
    } else {
      const SidePartial &positive = partial.side[kPositive], &negative = partial.side[kNegative];
      merge(call_.loss.positive, into.side[kPositive], positive.reference, positive.sum);
      merge(call_.loss.negative, into.side[kNegative], negative.reference, negative.sum);
    }
  }

  const LossCall<Loss>& call_;
  const Plan& plan_;
};

}  // namespace circle::cpu
