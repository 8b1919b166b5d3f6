#include "cuda/similarity_pass.h"

#include "cuda/finite.h"

namespace circle::cuda {
namespace {

constexpr int64_t kFloat = sizeof(float);

}  // namespace

cudaError_t SimilarityPass::reserve() {
  CIRCLE_TRY(packed_.reserve());
  return workspace_.panel.reserve(plan_.similarity_bytes());
}

Outcome SimilarityPass::run() {
  if (const Outcome ready = pace_.begin_panel(); !ready.ok()) return ready;
  if (const Outcome begun = outcome_of(begin()); !begun.ok()) return begun;
  if (const Outcome checked = check(); !checked.ok()) return checked;
  for (Range panel{0, 0}; panel.end < plan_.candidates;) {
    panel = plan_.similarity_panel(panel.end);
    if (const Outcome ready = pace_.begin_panel(); !ready.ok()) return ready;
    if (const Outcome started = outcome_of(enqueue(panel)); !started.ok()) return started;
    if (const Outcome sent = outcome_of(results_.send_all_but(1)); !sent.ok()) return sent;
  }
  return outcome_of(results_.send_all_but(0));
}

cudaError_t SimilarityPass::begin() {
  const Range all{0, plan_.candidates};
  CIRCLE_TRY(reset_scalars(workspace_.scalars.as<Scalars>(), workspace_.compute));
  CIRCLE_TRY(packed_.upload_anchors());
  CIRCLE_TRY(packed_.pack_anchors());
  CIRCLE_TRY(packed_.upload_candidates(all));
  CIRCLE_TRY(packed_.measure_candidates(all));
  return workspace_.send_scalars();
}

Outcome SimilarityPass::check() {
  if (rows_.finite_check == FiniteCheck::kPropagate) return {};
  const Outcome arrived = outcome_of(workspace_.scalars_arrived.synchronize());
  return arrived.ok() ? check_finite(workspace_.scalars_on_host()) : arrived;
}

cudaError_t SimilarityPass::enqueue(Range range) {
  const SimilarityLayout layout = plan_.similarity_layout(range.size());
  char* const memory = workspace_.panel.at(0);
  float* const similarities = reinterpret_cast<float*>(memory + layout.out[results_.slot()]);
  const Panel panel = packed_.panel(range, memory + layout.packed);

  CIRCLE_TRY(packed_.pack_candidates(range, memory + layout.packed));
  CIRCLE_TRY(results_.make_room());
  CIRCLE_TRY(similarity_matrix(plan_.core, panel, nullptr, similarities, range.size(), workspace_.compute));
  CIRCLE_TRY(results_.post(
      {out_ + range.begin, plan_.candidates * kFloat, similarities, range.size() * kFloat, plan_.anchors}));
  return pace_.end_panel();
}

}  // namespace circle::cuda
