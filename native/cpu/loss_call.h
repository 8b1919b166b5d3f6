// What the steps of one call share: the problem, its plan, its packed rows and its memory.
#pragma once

#include "native/cpu/packed_rows.h"

namespace circle::cpu {

template <class Loss>
struct LossCall {
  const Kernels& kernels;
  const LossKernels<Loss>& loss_kernels;
  const Problem& problem;
  const Loss& loss;
  Results& results;
  const Plan& plan;
  Workspace& workspace;
  ThreadTeam& team;
  PackedRows& rows;

  bool wants_gradient() const { return results.gradient || results.candidate_gradient; }

  AnchorStatistics* statistics() const { return workspace.statistics.as<AnchorStatistics>(); }
  AnchorLoss* losses() const { return workspace.losses.as<AnchorLoss>(); }
  AnchorTerms* terms() const { return workspace.terms.as<AnchorTerms>(); }

  // Where a tile lies while its panel is in memory, or, if tiles are kept, throughout the call.
  float* tile_values(Range panel, TileIndex tile) const {
    const Range stored = plan.storage == TileStorage::kKept ? plan.all_columns() : panel;
    return workspace.tiles.as<float>() + plan.number(stored, tile) * plan.tile_floats();
  }

  Panels anchor_gradient() const {
    return {workspace.anchor_gradient.as<float>(), plan.anchors.padded_rows() * kPanel};
  }

  // Accumulated gradients of the anchors into the result, back through the normalisation.
  void unpack_anchors() const {
    team.for_each(plan.anchors.count(), [&](int64_t block, int) {
      const int64_t first = plan.anchors.first(block);
      kernels.unpack_gradient(anchor_gradient().from_row(first), rows.anchors().from_row(first),
                              rows.anchor_scales() + first, plan.anchors.size(block), plan.dim,
                              results.gradient + first * plan.dim);
    });
  }

  Tile tile_at(TileIndex index, float* values) const {
    return {values,
            problem.anchor_labels + plan.anchors.first(index.row_block),
            workspace.candidate_labels.as<int32_t>() + plan.candidates.first(index.column_block),
            plan.anchors.size(index.row_block),
            plan.candidates.size(index.column_block),
            plan.diagonal(index) ? 0 : -kTileEdge};
  }
};

}  // namespace circle::cpu
