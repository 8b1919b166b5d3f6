#include "cuda/nearest_pass.h"

namespace circle::cuda {

cudaError_t NearestPass::reserve() {
  CIRCLE_TRY(panels_.reserve());
  CIRCLE_TRY(workspace_.nearest_similarities.reserve(4 * count()));
  return workspace_.nearest_candidates.reserve(4 * count());
}

Outcome NearestPass::run() {
  Outcome outcome = pace_.begin_panel();
  if (outcome.ok()) outcome = outcome_of(begin());
  if (outcome.ok())
    outcome = panels_.for_each(
        nullptr, [&](const SimilarityPanel& panel) { return keep_nearest(panel, lists(), workspace_.compute); });
  // Of finite rows only sums beyond float32 are infinite, or NaN, which leaves a place to nobody.
  if (outcome.ok())
    outcome =
        outcome_of(flag_infinite(lists().similarities, count(), workspace_.scalars.as<Scalars>(), workspace_.compute));
  if (outcome.ok()) outcome = panels_.end();
  return outcome.ok() ? outcome_of(download()) : outcome;
}

NearestLists NearestPass::lists() const {
  return {workspace_.nearest_similarities.as<float>(), workspace_.nearest_candidates.as<int32_t>(), nearest_.k};
}

cudaError_t NearestPass::begin() {
  CIRCLE_TRY(reset_nearest(lists(), plan_.anchors, workspace_.compute));
  return panels_.begin();
}

cudaError_t NearestPass::download() const {
  const auto take = [&](void* host, const DeviceBuffer& from) {
    return workspace_.staging.download(whole_array(host, from.at(0), 4 * count()), workspace_.copies);
  };
  CIRCLE_TRY(take(nearest_.similarities, workspace_.nearest_similarities));
  return take(nearest_.candidates, workspace_.nearest_candidates);
}

}  // namespace circle::cuda
