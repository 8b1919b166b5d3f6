// What the steps of one loss call share: the problem, its plan, its rows and labels on the device.
#pragma once

#include "cuda/pace.h"
#include "cuda/packed_rows.h"

namespace circle::cuda {

struct LossCall {
  const Problem& problem;
  const Results& results;
  const Plan& plan;
  Workspace& workspace;
  PackedRows& rows;
  Pace& pace;

  bool wants_gradient() const { return results.gradient || (!plan.symmetric && results.moves_candidates()); }
  bool is_shared() const { return problem.scope == Scope::kBatch; }
  // Losses: one an anchor, or one for all.
  int64_t terms() const { return is_shared() ? 1 : plan.anchors; }

  AnchorStatistics* statistics() const { return workspace.statistics.as<AnchorStatistics>(); }
  AnchorLoss* losses() const { return workspace.losses.as<AnchorLoss>(); }
  AnchorTerms* anchor_terms() const { return workspace.terms.as<AnchorTerms>(); }
  Scalars* scalars() const { return workspace.scalars.as<Scalars>(); }
  const float* upstream() const { return problem.anchor_upstream ? workspace.upstream.as<float>() : nullptr; }

  Panel panel(Range range, void* packed) const {
    Panel panel = rows.panel(range, packed);
    panel.column_labels = workspace.anchor_labels.as<int32_t>();
    panel.row_labels = plan.symmetric             ? panel.column_labels
                       : problem.candidate_labels ? workspace.candidate_labels.as<int32_t>()
                                                  : rows.candidate_rows();
    return panel;
  }
};

}  // namespace circle::cuda
