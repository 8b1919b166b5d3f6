// The similarity matrix: every row is measured before anything is written, then panels of candidates are computed and
// go to the host in turn.
#pragma once

#include "cuda/pace.h"
#include "cuda/packed_rows.h"
#include "cuda/result_queue.h"

namespace circle::cuda {

class SimilarityPass {
 public:
  SimilarityPass(const Rows& rows, const Plan& plan, Workspace& workspace, Pace& pace, float* out)
      : rows_(rows),
        plan_(plan),
        workspace_(workspace),
        pace_(pace),
        out_(out),
        packed_(rows, plan, workspace),
        results_(workspace) {}

  cudaError_t reserve();
  Outcome run();

 private:
  cudaError_t begin();
  Outcome check();
  cudaError_t enqueue(Range range);

  const Rows& rows_;
  const Plan& plan_;
  Workspace& workspace_;
  Pace& pace_;
  float* const out_;
  PackedRows packed_;
  ResultQueue results_;
};

}  // namespace circle::cuda
