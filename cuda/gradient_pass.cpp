#include "cuda/gradient_pass.h"

namespace circle::cuda {
namespace {

constexpr int64_t kFloat = sizeof(float);

}  // namespace

cudaError_t GradientPass::reserve() {
  const Plan& plan = call_.plan;
  Workspace& workspace = call_.workspace;
  CIRCLE_TRY(workspace.terms.reserve(plan.anchors * static_cast<int64_t>(sizeof(AnchorTerms))));
  CIRCLE_TRY(workspace.panel.reserve(plan.gradient_bytes()));
  if (!call_.results.gradient) return cudaSuccess;
  CIRCLE_TRY(workspace.anchor_sums.reserve(plan.anchor_splits * plan.anchor_slice() * kFloat));
  return workspace.anchor_gradient.reserve(plan.anchors * plan.dim * kFloat);
}

Outcome GradientPass::start() {
  const Outcome weighed =
      outcome_of(compute_terms(call_.statistics(), call_.losses(), call_.upstream(), call_.plan.anchors,
                               call_.is_shared(), call_.scalars(), call_.anchor_terms(), call_.workspace.compute));
  return weighed.ok() ? start_panel() : weighed;
}

Outcome GradientPass::start_panel() {
  last_ = call_.plan.gradient_panel(last_.end);
  const Outcome ready = call_.pace.begin_panel();
  return ready.ok() ? outcome_of(enqueue(last_)) : ready;
}

Outcome GradientPass::finish() {
  while (last_.end < call_.plan.candidates) {
    if (const Outcome started = start_panel(); !started.ok()) return started;
    if (const Outcome sent = outcome_of(results_.send_all_but(1)); !sent.ok()) return sent;
  }
  if (!call_.plan.symmetric && call_.results.gradient)
    if (const Outcome unpacked = outcome_of(unpack_anchors({0, call_.plan.anchors}, {}, anchor_sums(0)));
        !unpacked.ok())
      return unpacked;
  return outcome_of(results_.send_all_but(0));
}

cudaError_t GradientPass::enqueue(Range range) {
  const Workspace& workspace = call_.workspace;
  const GradientLayout layout = call_.plan.gradient_layout(range);
  char* const memory = workspace.panel.at(0);
  const Panel panel = call_.panel(range, memory + layout.packed);
  const Operand weights = call_.rows.operand(memory + layout.weights, range.size(), call_.plan.weight_columns(range));

  CIRCLE_TRY(call_.rows.pack_candidates(range, memory + layout.packed));
  CIRCLE_TRY(pair_weights(call_.plan.core, call_.problem.pair_loss, panel, call_.anchor_terms(), call_.statistics(),
                          weights, workspace.compute));
  CIRCLE_TRY(order(workspace.forked, workspace.compute, workspace.beside));
  CIRCLE_TRY(give_rows(range, weights, layout));
  CIRCLE_TRY(give_columns(range, weights, panel.rows));
  CIRCLE_TRY(order(workspace.joined, workspace.beside, workspace.compute));
  return call_.pace.end_panel();
}

cudaError_t GradientPass::give_rows(Range range, const Operand& weights, const GradientLayout& layout) {
  if (call_.plan.symmetric) return give_batch_rows(range, weights, layout);
  return call_.results.moves_candidates() ? give_candidates(range, weights, layout) : cudaSuccess;
}

// All that a panel's rows have from its own weights, into sums of the panel.
cudaError_t GradientPass::multiply_rows(Range range, const Operand& weights, const Operand& others,
                                        const GradientLayout& layout, Sums& sums) const {
  const Plan& plan = call_.plan;
  float* const first = reinterpret_cast<float*>(call_.workspace.panel.at(layout.sums));
  sums = {first, layout.splits, range.size() * plan.sum_stride};
  const Product rows{weights,       others, Along::kRows, Start::kFresh,  0,
                     layout.splits, first,  sums.slice,   plan.sum_stride};
  return multiply(plan.core, rows, call_.workspace.compute);
}

// These rows are final now: what they have as columns came from panels before.
cudaError_t GradientPass::give_batch_rows(Range range, const Operand& weights, const GradientLayout& layout) {
  const Range others{range.begin, call_.plan.anchors};
  Sums sums;
  CIRCLE_TRY(multiply_rows(range, weights, call_.rows.panel(others, nullptr).rows, layout, sums));
  return unpack_anchors(range, sums, range.begin == 0 ? Sums{} : anchor_sums(range.begin));
}

cudaError_t GradientPass::give_candidates(Range range, const Operand& weights, const GradientLayout& layout) {
  const Plan& plan = call_.plan;
  const Workspace& workspace = call_.workspace;
  const GivenRows rows = call_.rows.given_candidates(range);
  const RowScale* const scales = call_.rows.candidate_scales(range.begin);
  Sums sums;
  CIRCLE_TRY(multiply_rows(range, weights, call_.rows.anchors(), layout, sums));
  if (call_.results.update)
    return step_candidates(plan.core, sums, plan.sum_stride, rows, scales, call_.scalars(), *call_.results.update,
                           workspace.compute);
  float* const gradient = reinterpret_cast<float*>(workspace.panel.at(layout.gradient[results_.slot()]));
  CIRCLE_TRY(results_.make_room());
  CIRCLE_TRY(unpack_gradient(plan.core, sums, {}, plan.sum_stride, rows, scales, call_.scalars(), gradient,
                             workspace.compute));
  return results_.post(whole_array(call_.results.candidate_gradient + range.begin * plan.dim, gradient,
                                   range.size() * plan.dim * kFloat));
}

// What a panel gives its columns, added to what they have.
cudaError_t GradientPass::give_columns(Range range, const Operand& weights, const Operand& rows) {
  const Plan& plan = call_.plan;
  if (!call_.results.gradient || (plan.symmetric && range.end == plan.anchors)) return cudaSuccess;
  // Columns of the panel's own square are its rows too, which the other product has.
  const int64_t first = plan.symmetric ? range.end : 0;
  Product columns{};
  columns.weights = weights;
  columns.others = rows;
  columns.along = Along::kColumns;
  columns.start = range.begin == 0 ? Start::kFresh : Start::kContinue;
  columns.first_result = plan.symmetric ? static_cast<int32_t>(range.size()) : 0;
  columns.splits = plan.anchor_splits;
  columns.sums = call_.workspace.anchor_sums.as<float>() + first * plan.sum_stride;
  columns.slice = plan.anchor_slice();
  columns.sum_stride = plan.sum_stride;
  return multiply(plan.core, columns, call_.workspace.beside);
}

// Sums over columns, of anchors from `first` on.
Sums GradientPass::anchor_sums(int64_t first) const {
  const Plan& plan = call_.plan;
  return {call_.workspace.anchor_sums.as<float>() + first * plan.sum_stride, plan.anchor_splits, plan.anchor_slice()};
}

// Sums of the anchors to their gradient, and that to the host.
cudaError_t GradientPass::unpack_anchors(Range range, const Sums& by_rows, const Sums& by_columns) {
  const Plan& plan = call_.plan;
  const Workspace& workspace = call_.workspace;
  float* const gradient = workspace.anchor_gradient.as<float>() + range.begin * plan.dim;
  CIRCLE_TRY(unpack_gradient(plan.core, by_rows, by_columns, plan.sum_stride, call_.rows.given_anchors(range),
                             call_.rows.anchor_scales(range.begin), call_.scalars(), gradient, workspace.compute));
  return results_.post(
      whole_array(call_.results.gradient + range.begin * plan.dim, gradient, range.size() * plan.dim * kFloat));
}

}  // namespace circle::cuda
