// The gradient: for each panel, tiles → (similarities again) → pair weights H, then H × rows into accumulators; at the
// end accumulators → gradients, back through the normalisation (docs/math.md §8, §9).
//
// A product task owns one block of anchors and a few panels of dimensions, and adds its tiles in ascending order of the
// other block. For pair-wise labels that is first the tiles above the diagonal, mirrored, then the block's own row. Or it
// owns one block of candidates whole: nothing but this panel adds to it, so it goes out while it is in L2.
#pragma once

#include <algorithm>

#include "native/cpu/loss_call.h"

namespace circle::cpu {

template <class Loss>
class GradientPass {
 public:
  explicit GradientPass(const LossCall<Loss>& call) : call_(call), plan_(call.plan) {}

  bool reserve() {
    int64_t widest = 0, most_tiles = 0;
    for (Range panel{0, 0}; panel.end < plan_.candidates.count();) {
      panel = plan_.gradient_panel(panel.end);
      widest = std::max(widest, panel.size());
      most_tiles = std::max(most_tiles, plan_.tiles_in(panel));
    }
    if (plan_.storage == TileStorage::kKept) most_tiles = plan_.tiles_in(plan_.all_columns());
    const int64_t floats = sizeof(float), row_floats = plan_.dim_panels() * kPanel;
    const int64_t candidate_rows = call_.results.moves_candidates() ? call_.team.size() * plan_.candidates.edge : 0;
    return call_.rows.reserve(widest, {false, plan_.storage == TileStorage::kRecomputed, true}) &&
           call_.workspace.tiles.reserve(most_tiles * plan_.tile_floats() * floats) &&
           call_.workspace.anchor_gradient.reserve(plan_.anchors.padded_rows() * row_floats * floats) &&
           call_.workspace.candidate_gradient.reserve(candidate_rows * row_floats * floats) &&
           (!call_.results.update || call_.rows.reserve_row_blocks());
  }

  void run() {
    const bool recompute = plan_.storage == TileStorage::kRecomputed;
    for (Range panel{0, 0}; panel.end < plan_.candidates.count() && !call_.team.aborted();) {
      panel = plan_.gradient_panel(panel.end);
      call_.rows.pack_candidates(panel, {false, recompute, true});
      call_.team.for_each(plan_.tiles_in(panel), [&](int64_t number, int) { weigh(panel, number); });
      multiply(panel);
    }
    if (call_.results.gradient) call_.unpack_anchors();
  }

 private:
  // 256 dimensions are one product task: its rows of both operands stay in L2 beside the tile, and a tile, which comes
  // from L3, is read for that many.
  static constexpr int64_t kPanelsPerTask = 8;

  void weigh(Range panel, int64_t number) const {
    const TileIndex index = plan_.tile(panel, number);
    float* const values = call_.tile_values(panel, index);
    if (plan_.storage == TileStorage::kRecomputed) call_.rows.similarity_tile(index, values);
    const AnchorTerms* const rows = call_.terms() + plan_.anchors.first(index.row_block);
    const AnchorTerms* const columns =
        plan_.symmetric ? call_.terms() + plan_.candidates.first(index.column_block) : nullptr;
    call_.loss_kernels.pair_weights(call_.loss, call_.tile_at(index, values), rows, columns);
  }

  void multiply(Range panel) const {
    const int64_t chunks = (plan_.dim_panels() + kPanelsPerTask - 1) / kPanelsPerTask;
    const int64_t anchor_blocks = call_.results.gradient ? (plan_.symmetric ? panel.end : plan_.anchors.count()) : 0;
    const int64_t candidate_blocks = call_.results.moves_candidates() ? panel.size() : 0;
    // The longest tasks first, so that the last ones to end are short.
    call_.team.for_each(candidate_blocks + anchor_blocks * chunks, [&](int64_t task, int worker) {
      if (task < candidate_blocks) {
        candidate_products(panel, panel.begin + task, worker);
      } else {
        const int64_t piece = task - candidate_blocks;
        anchor_products(panel, piece / chunks, piece % chunks * kPanelsPerTask);
      }
    });
  }

  void anchor_products(Range panel, int64_t block, int64_t dim_panel) const {
    const Panels gradient = call_.anchor_gradient().from_row(plan_.anchors.first(block)).from_panel(dim_panel);
    if (plan_.symmetric && block >= panel.begin)
      for (int64_t other = 0; other < block; ++other)
        add_product(panel, {other, block}, Orientation::kColumns, dim_panel, gradient);
    for (int64_t other = plan_.symmetric ? std::max(panel.begin, block) : panel.begin; other < panel.end; ++other)
      add_product(panel, {block, other}, Orientation::kRows, dim_panel, gradient);
  }

  void candidate_products(Range panel, int64_t block, int worker) const {
    const Panels all{call_.workspace.candidate_gradient.template as<float>(),
                     call_.team.size() * plan_.candidates.edge * kPanel};
    const Panels gradient = all.from_row(worker * plan_.candidates.edge);
    for (int64_t dim_panel = 0; dim_panel < plan_.dim_panels(); dim_panel += kPanelsPerTask)
      for (int64_t other = 0; other < plan_.anchors.count(); ++other)
        add_product(panel, {other, block}, Orientation::kColumns, dim_panel, gradient.from_panel(dim_panel));
    call_.give_candidates(gradient, panel, block, worker);
  }

  void add_product(Range panel, TileIndex tile, Orientation orientation, int64_t dim_panel, Panels gradient) const {
    const bool by_rows = orientation == Orientation::kRows;
    const int rows = plan_.anchors.size(tile.row_block), columns = plan_.candidates.size(tile.column_block);
    const Panels others = by_rows ? call_.rows.candidates(panel, tile.column_block)
                                  : call_.rows.anchors().from_row(plan_.anchors.first(tile.row_block));
    const int64_t other_block = by_rows ? tile.column_block : tile.row_block;
    const int panels = static_cast<int>(std::min(kPanelsPerTask, plan_.dim_panels() - dim_panel));
    call_.kernels.accumulate(call_.tile_values(panel, tile), orientation, by_rows ? rows : columns,
                             by_rows ? columns : rows, others.from_panel(dim_panel), panels, gradient,
                             other_block == 0 ? Start::kFresh : Start::kContinue);
  }

  const LossCall<Loss>& call_;
  const Plan& plan_;
};

}  // namespace circle::cpu
