#include "cuda/ranking_pass.h"

#include <algorithm>

namespace circle::cuda {

RankingPass::RankingPass(const Rows& rows, const Plan& plan, Workspace& workspace, Pace& pace, const Ranking& ranking)
    : plan_(plan), workspace_(workspace), pace_(pace), ranking_(ranking), panels_(rows, plan, workspace, pace) {
  for (int64_t anchor = 0; anchor < plan.anchors; ++anchor) {
    const int64_t length = ranking.own_end[anchor] - ranking.own_first[anchor];
    pairs_ += length;
    longest_ = std::max(longest_, length);
  }
}

cudaError_t RankingPass::reserve() {
  CIRCLE_TRY(panels_.reserve());
  for (DeviceBuffer* each_anchor : {&workspace_.own_first, &workspace_.own_end})
    CIRCLE_TRY(each_anchor->reserve(plan_.anchors * static_cast<int64_t>(sizeof(int32_t))));
  CIRCLE_TRY(workspace_.run_offsets.reserve(plan_.anchors * static_cast<int64_t>(sizeof(int64_t))));
  CIRCLE_TRY(workspace_.run_hulls.reserve(blocks_in(plan_.anchors) * static_cast<int64_t>(sizeof(CandidateRange))));
  for (DeviceBuffer* each_pair :
       {&workspace_.own_similarities, &workspace_.thresholds, &workspace_.intervals, &workspace_.reached_by})
    CIRCLE_TRY(each_pair->reserve(4 * pairs_));
  return cudaSuccess;
}

Outcome RankingPass::run() {
  Outcome outcome = pace_.begin_panel();
  if (outcome.ok()) outcome = outcome_of(begin());
  if (outcome.ok())
    outcome = panels_.for_each(workspace_.run_hulls.as<CandidateRange>(), [&](const SimilarityPanel& panel) {
      return record_own(panel, runs(), workspace_.own_similarities.as<float>(), workspace_.thresholds.as<float>(),
                        workspace_.compute);
    });
  // Where nobody has an own candidate, all is said but whether the rows are finite.
  if (outcome.ok() && pairs_ > 0) outcome = count();
  if (outcome.ok()) outcome = panels_.end();
  return outcome.ok() && pairs_ > 0 ? outcome_of(download()) : outcome;
}

OwnRuns RankingPass::runs() const {
  return {workspace_.own_first.as<int32_t>(), workspace_.own_end.as<int32_t>(), workspace_.run_offsets.as<int64_t>(),
          plan_.anchors, longest_};
}

cudaError_t RankingPass::begin() {
  const auto upload = [&](const DeviceBuffer& to, const int32_t* from) {
    return workspace_.staging.upload(to.at(0), from, 4 * plan_.anchors, workspace_.copies);
  };
  // Before the anchors, whose event says that these have arrived too.
  CIRCLE_TRY(upload(workspace_.own_first, ranking_.own_first));
  CIRCLE_TRY(upload(workspace_.own_end, ranking_.own_end));
  CIRCLE_TRY(panels_.begin());
  return lay_out_runs(runs(), workspace_.run_hulls.as<CandidateRange>(), workspace_.compute);
}

cudaError_t RankingPass::sort() {
  CIRCLE_TRY(flag_infinite(workspace_.own_similarities.as<float>(), pairs_, workspace_.scalars.as<Scalars>(),
                           workspace_.compute));
  return sort_thresholds(runs(), workspace_.thresholds.as<float>(), workspace_.intervals.as<int32_t>(),
                         workspace_.compute);
}

Outcome RankingPass::count() {
  const float* const thresholds = workspace_.thresholds.as<float>();
  int32_t* const intervals = workspace_.intervals.as<int32_t>();
  Outcome outcome = outcome_of(sort());
  if (outcome.ok())
    outcome = panels_.for_each(nullptr, [&](const SimilarityPanel& panel) {
      return count_reached(panel, runs(), thresholds, intervals, workspace_.compute);
    });
  return outcome.ok() ? outcome_of(add_up_reached(runs(), workspace_.own_similarities.as<float>(), thresholds,
                                                  intervals, workspace_.reached_by.as<int32_t>(), workspace_.compute))
                      : outcome;
}

cudaError_t RankingPass::download() const {
  const auto take = [&](void* host, const DeviceBuffer& from) {
    return workspace_.staging.download(whole_array(host, from.at(0), 4 * pairs_), workspace_.copies);
  };
  CIRCLE_TRY(take(ranking_.similarities, workspace_.own_similarities));
  return take(ranking_.reached_by, workspace_.reached_by);
}

}  // namespace circle::cuda
