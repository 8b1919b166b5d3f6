// What the steps of one call share: the problem, its plan, its packed rows and its memory.
#pragma once

#include <type_traits>
#include <variant>

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

  bool wants_gradient() const { return results.gradient || results.moves_candidates(); }

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

  // Accumulated gradients of the anchors into the result, back through the normalisation: blocks of them, or of one block
  // slices of its dimensions.
  void unpack_anchors() const {
    const double* const along = rows.project_anchors(anchor_gradient());
    const int64_t slices = plan.slices();
    team.for_each(plan.anchors.count() * slices, [&](int64_t task, int) {
      const int64_t block = task / slices, first = plan.anchors.first(block);
      const Range dims = slices == 1 ? Range{0, plan.dim} : plan.slice(task % slices);
      const int64_t panel = dims.begin / kPanel;
      kernels.unpack_gradient(anchor_gradient().from_row(first).from_panel(panel),
                              rows.anchors().from_row(first).from_panel(panel), rows.anchor_scales() + first, along,
                              plan.anchors.size(block), dims.size(), results.gradient + first * plan.dim + dims.begin,
                              plan.dim);
    });
  }

  // The gradient of one block of candidates, back through the normalisation: to the result, or to the optimiser while it
  // is in the cache.
  void give_candidates(Panels gradient, Range panel, int64_t block, int worker) const {
    const int64_t first = plan.candidates.first(block);
    float* const out = results.update ? rows.row_block(worker) : results.candidate_gradient + first * plan.dim;
    kernels.unpack_gradient(gradient, rows.candidates(panel, block), rows.candidate_scales() + first, nullptr,
                            plan.candidates.size(block), plan.dim, out, plan.dim);
    if (results.update) step_candidates(first, plan.candidates.size(block), out);
  }

  void step_candidates(int64_t first, int64_t count, const float* gradient) const {
    const CandidateUpdate& update = *results.update;
    const auto step = [&](const auto& rule) {
      const auto& kernel = std::get<OptimizerKernel<std::decay_t<decltype(rule)>>>(kernels.optimizers);
      const int64_t run = problem.rows.candidate_rows ? 1 : count;  // rows in order are one run of numbers
      for (int64_t row = 0; row < count; row += run) {
        const int64_t at = problem.rows.candidate_row(first + row) * plan.dim;
        const auto moment = [&](float* moments) { return moments ? moments + at : nullptr; };
        kernel.step(rule, gradient + row * plan.dim, run * plan.dim, update.candidates + at,
                    moment(update.first_moment), moment(update.second_moment));
      }
    };
    std::visit(step, update.optimizer);
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
