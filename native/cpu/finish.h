// Between the passes: statistics of anchors → losses → the reduced loss → the terms that weigh each anchor's pairs.
#pragma once

#include <algorithm>
#include <cmath>

#include "native/cpu/loss_call.h"

namespace circle::cpu {

template <class Loss>
AnchorStatistics whole_batch(const LossCall<Loss>& call) {
  AnchorStatistics whole;
  for (int64_t row = 0; row < call.plan.anchors.rows; ++row) {
    const AnchorStatistics& anchor = call.statistics()[row];
    merge(call.loss.positive, whole.side[kPositive], anchor.side[kPositive].reference, anchor.side[kPositive].sum);
    merge(call.loss.negative, whole.side[kNegative], anchor.side[kNegative].reference, anchor.side[kNegative].sum);
  }
  return whole;
}

template <class Loss>
bool reserve_finish(const LossCall<Loss>& call) {
  const int64_t anchors = call.plan.anchors.rows;
  return call.workspace.losses.reserve(anchors * static_cast<int64_t>(sizeof(AnchorLoss))) &&
         call.workspace.terms.reserve(anchors * static_cast<int64_t>(sizeof(AnchorTerms)));
}

// Losses of anchors, or in Scope::kBatch the one loss, whose pairs were all summed in both orders.
template <class Loss>
void compute_losses(const LossCall<Loss>& call, int64_t count) {
  const int multiplicity = call.problem.scope == Scope::kBatch && call.plan.symmetric ? 2 : 1;
  const Blocks blocks{count, call.plan.anchors.edge};
  call.team.for_each(blocks.count(), [&](int64_t block, int) {
    for (int64_t row = blocks.first(block), end = row + blocks.size(block); row < end; ++row)
      call.losses()[row] = anchor_loss(call.loss, call.statistics()[row], multiplicity);
  });
}

template <class Loss>
void compute_terms(const LossCall<Loss>& call, int64_t count, double factor) {
  const float* const upstream = call.problem.anchor_upstream;
  for (int64_t row = 0; row < count; ++row)
    call.terms()[row] =
        anchor_terms(call.statistics()[row], call.losses()[row], upstream ? double{upstream[row]} : factor);
  // One loss, shared by all anchors.
  if (call.problem.scope == Scope::kBatch) std::fill_n(call.terms() + 1, call.plan.anchors.rows - 1, call.terms()[0]);
}

// Whether a number fits float32.
inline bool is_float(double x) {
  return std::fabs(x) <= 3.402823466e+38;
}

template <class Loss>
Outcome finish(const LossCall<Loss>& call) {
  const bool whole = call.problem.scope == Scope::kBatch;
  const int64_t count = whole ? 1 : call.plan.anchors.rows;
  if (whole) call.statistics()[0] = whole_batch(call);
  compute_losses(call, count);

  double sum = 0;
  int64_t valid = 0, nonzero = 0;
  bool overflows = false;
  for (int64_t row = 0; row < count; ++row) {
    const AnchorLoss& anchor = call.losses()[row];
    sum += anchor.loss;
    valid += anchor.valid;
    nonzero += anchor.loss != 0;  // NaN counts: it must come out
    overflows = overflows || !is_float(anchor.loss);
  }
  const double by = divisor(call.problem.reduction, valid, nonzero, count);
  const double reduced = by == 0 ? 0 : sum / by;
  if (call.problem.rows.finite_check == FiniteCheck::kReport && (overflows || !is_float(reduced)))
    return {Status::kOverflow};

  call.results.loss = reduced;
  call.results.valid_anchors = valid;
  for (int64_t row = 0; row < count; ++row)
    call.results.anchor_losses[row] = static_cast<float>(call.losses()[row].loss);
  if (call.wants_gradient()) compute_terms(call, count, by == 0 ? 0 : call.problem.upstream / by);
  return {};
}

}  // namespace circle::cpu
