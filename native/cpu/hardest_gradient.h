// The gradient of a loss of hardest pairs: three rows an anchor instead of a product of matrices. The anchor moves
// towards its hardest positive and away from its hardest negative, and they answer (docs/math.md §7).
//
// Anchors come in ascending order; each task has 32 dimensions of everything to itself.
#pragma once

#include <algorithm>

#include "native/cpu/loss_call.h"

namespace circle::cpu {

template <class Loss>
class HardestGradient {
 public:
  explicit HardestGradient(const LossCall<Loss>& call) : call_(call), plan_(call.plan) {}

  bool reserve() {
    const int64_t row_bytes = plan_.dim_panels() * kPanel * static_cast<int64_t>(sizeof(float));
    const int64_t candidate_rows = call_.results.moves_candidates() ? plan_.candidates.padded_rows() : 0;
    return call_.rows.reserve(plan_.statistics_panel(0).size(), {false, false, true}) &&
           call_.workspace.anchor_gradient.reserve(plan_.anchors.padded_rows() * row_bytes) &&
           call_.workspace.candidate_gradient.reserve(candidate_rows * row_bytes) &&
           (!call_.results.update || call_.rows.reserve_row_blocks());
  }

  void run() {
    call_.team.for_each(plan_.dim_panels(), [&](int64_t panel, int) { add_pairs(panel); });
    if (call_.results.gradient) call_.unpack_anchors();
    if (call_.results.moves_candidates()) unpack_candidates();
  }

 private:
  // Where candidates are the batch, their answers are the batch's own gradient.
  Panels candidate_gradient() const {
    if (plan_.symmetric) return call_.anchor_gradient();
    return {call_.workspace.candidate_gradient.template as<float>(), plan_.candidates.padded_rows() * kPanel};
  }

  void add_pairs(int64_t panel) const {
    const bool answers = plan_.symmetric || call_.results.moves_candidates();
    std::fill_n(call_.anchor_gradient().from_panel(panel).values, plan_.anchors.rows * kPanel, 0.0f);
    if (answers) std::fill_n(candidate_gradient().from_panel(panel).values, plan_.candidates.rows * kPanel, 0.0f);
    for (int64_t row = 0; row < plan_.anchors.rows; ++row) {
      const float weight = call_.terms()[row].side[kPositive].coefficient;
      if (weight == 0) continue;
      if (weight != weight) {
        spoil(panel, row, weight, answers);
        continue;
      }
      add_pair(panel, row, call_.statistics()[row].hardest[kPositive], -weight, answers);
      add_pair(panel, row, call_.statistics()[row].hardest[kNegative], weight, answers);
    }
  }

  // NaN has no hardest pair: each could be it, so that all of them have its gradient.
  void spoil(int64_t panel, int64_t row, float nan, bool answers) const {
    std::fill_n(call_.anchor_gradient().from_row(row).from_panel(panel).values, kPanel, nan);
    if (answers) std::fill_n(candidate_gradient().from_panel(panel).values, plan_.candidates.rows * kPanel, nan);
  }

  void add_pair(int64_t panel, int64_t row, int64_t candidate, float weight, bool answers) const {
    const int64_t first = panel * kPanel, width = std::min<int64_t>(kPanel, plan_.dim - first);
    // Candidates as they were given, scaled: they need not be packed for a few of their rows.
    const float* const other =
        call_.problem.rows.candidates + call_.problem.rows.candidate_row(candidate) * plan_.dim + first;
    const float scaled_weight = weight * call_.rows.candidate_scales()[candidate].inverse;
    float* const own = call_.anchor_gradient().from_row(row).from_panel(panel).values;
    for (int64_t d = 0; d < width; ++d) own[d] += scaled_weight * other[d];
    if (!answers) return;
    const float* const anchor = call_.rows.anchors().from_row(row).from_panel(panel).values;
    float* const answer = candidate_gradient().from_row(candidate).from_panel(panel).values;
    for (int64_t d = 0; d < width; ++d) answer[d] += weight * anchor[d];
  }

  // The normalisation's gradient wants packed candidates, a panel at a time.
  void unpack_candidates() const {
    for (Range panel{0, 0}; panel.end < plan_.candidates.count();) {
      panel = plan_.statistics_panel(panel.end);
      call_.rows.pack_candidates(panel, {false, false, true});
      call_.team.for_each(panel.size(), [&](int64_t i, int worker) {
        const int64_t block = panel.begin + i;
        call_.give_candidates(candidate_gradient().from_row(plan_.candidates.first(block)), panel, block, worker);
      });
    }
  }

  const LossCall<Loss>& call_;
  const Plan& plan_;
};

}  // namespace circle::cpu
