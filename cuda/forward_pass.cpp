#include "cuda/forward_pass.h"

#include "cuda/finite.h"

namespace circle::cuda {
namespace {

template <class T>
cudaError_t reserve_each(DeviceBuffer& buffer, int64_t count) {
  return buffer.reserve(count * static_cast<int64_t>(sizeof(T)));
}

}  // namespace

cudaError_t ForwardPass::reserve() {
  Workspace& workspace = call_.workspace;
  const int64_t anchors = call_.plan.anchors;
  CIRCLE_TRY(reserve_each<int32_t>(workspace.anchor_labels, anchors));
  if (call_.problem.candidate_labels)
    CIRCLE_TRY(reserve_each<int32_t>(workspace.candidate_labels, call_.plan.candidates));
  if (call_.problem.anchor_upstream) CIRCLE_TRY(reserve_each<float>(workspace.upstream, call_.terms()));
  CIRCLE_TRY(reserve_each<AnchorStatistics>(workspace.statistics, anchors));
  CIRCLE_TRY(reserve_each<AnchorLoss>(workspace.losses, call_.terms()));
  CIRCLE_TRY(reserve_each<float>(workspace.anchor_losses, call_.terms()));
  return workspace.panel.reserve(call_.plan.statistics_bytes());
}

Outcome ForwardPass::run() {
  if (const Outcome ready = call_.pace.begin_panel(); !ready.ok()) return ready;
  if (const Outcome begun = outcome_of(begin()); !begun.ok()) return begun;
  for (Range panel{0, 0}; panel.end < call_.plan.candidates;) {
    panel = call_.plan.statistics_panel(panel.end);
    if (const Outcome ready = call_.pace.begin_panel(); !ready.ok()) return ready;
    if (const Outcome measured = outcome_of(measure(panel)); !measured.ok()) return measured;
  }
  return outcome_of(finish());
}

cudaError_t ForwardPass::begin() {
  const cudaStream_t stream = call_.workspace.compute;
  CIRCLE_TRY(reset_scalars(call_.scalars(), stream));
  CIRCLE_TRY(reset_statistics(call_.statistics(), call_.plan.anchors, stream));
  CIRCLE_TRY(upload_labels());
  CIRCLE_TRY(call_.rows.upload_anchors());
  return call_.rows.pack_anchors();
}

// Before the anchors, whose event says that these have arrived too.
cudaError_t ForwardPass::upload_labels() {
  Workspace& workspace = call_.workspace;
  const auto upload = [&](const DeviceBuffer& to, const void* from, int64_t count) {
    return from ? workspace.staging.upload(to.at(0), from, 4 * count, workspace.copies) : cudaSuccess;
  };
  CIRCLE_TRY(upload(workspace.anchor_labels, call_.problem.anchor_labels, call_.plan.anchors));
  CIRCLE_TRY(upload(workspace.candidate_labels, call_.problem.candidate_labels, call_.plan.candidates));
  return upload(workspace.upstream, call_.problem.anchor_upstream, call_.terms());
}

cudaError_t ForwardPass::measure(Range range) {
  const cudaStream_t stream = call_.workspace.compute;
  const StatisticsLayout layout = call_.plan.statistics_layout(range.size());
  char* const memory = call_.workspace.panel.at(0);
  auto* const by_columns = reinterpret_cast<TilePartials*>(memory + layout.column_partials);
  auto* const by_rows = call_.plan.symmetric ? reinterpret_cast<TilePartials*>(memory + layout.row_partials) : nullptr;
  const Panel panel = call_.panel(range, memory + layout.packed);

  CIRCLE_TRY(call_.rows.upload_candidates(range));
  CIRCLE_TRY(call_.rows.pack_candidates(range, memory + layout.packed));
  CIRCLE_TRY(tile_statistics(call_.plan.core, call_.problem.pair_loss, panel, by_columns, by_rows, stream));
  CIRCLE_TRY(fold_statistics(call_.problem.pair_loss, panel, by_columns, by_rows, call_.statistics(), stream));
  return call_.pace.end_panel();
}

cudaError_t ForwardPass::finish() {
  const Problem& problem = call_.problem;
  const PairLoss& loss = problem.pair_loss;
  const cudaStream_t stream = call_.workspace.compute;
  // All pairs of a batch were summed in both orders.
  const int multiplicity = call_.is_shared() && call_.plan.symmetric ? 2 : 1;
  if (call_.is_shared()) CIRCLE_TRY(merge_statistics(loss, call_.statistics(), call_.plan.anchors, stream));
  CIRCLE_TRY(compute_losses(loss, call_.statistics(), call_.terms(), multiplicity, call_.upstream(), call_.losses(),
                            call_.workspace.anchor_losses.as<float>(), call_.scalars(), stream));
  CIRCLE_TRY(reduce_losses(call_.plan.core, loss, call_.losses(), call_.terms(), problem.reduction, problem.upstream,
                           problem.anchor_upstream != nullptr, call_.scalars(), stream));
  return call_.workspace.send_scalars();
}

Outcome ForwardPass::wait() {
  const Outcome arrived = outcome_of(call_.workspace.scalars_arrived.synchronize());
  if (!arrived.ok() || call_.problem.rows.finite_check == FiniteCheck::kPropagate) return arrived;
  const Scalars& scalars = call_.workspace.scalars_on_host();
  const Outcome finite = check_finite(scalars);
  return finite.ok() && scalars.overflows ? Outcome{Status::kOverflow} : finite;
}

}  // namespace circle::cuda
