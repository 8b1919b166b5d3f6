// Ranks, in two passes over panels. The first makes only the tiles that an own run touches, few where anchors lie sorted
// by label too, and keeps those runs: they are the thresholds of the second, which makes all tiles and counts, for each
// threshold of an anchor, the others that reach it. Both make a tile in the same way, to the bit, so that equals are equal.
//
// On the device stay four numbers for each candidate of an own run, and six for each anchor.
#pragma once

#include "cuda/search_panels.h"
#include "native/core/ranking.h"

namespace circle::cuda {

class RankingPass {
 public:
  RankingPass(const Rows& rows, const Plan& plan, Workspace& workspace, Pace& pace, const Ranking& ranking);

  cudaError_t reserve();
  Outcome run();

 private:
  OwnRuns runs() const;
  cudaError_t begin();
  cudaError_t sort();
  Outcome count();
  cudaError_t download() const;

  const Plan& plan_;
  Workspace& workspace_;
  Pace& pace_;
  const Ranking& ranking_;
  SearchPanels panels_;
  int64_t pairs_ = 0, longest_ = 0;  // of an anchor and one of its own run; of a run
};

}  // namespace circle::cuda
