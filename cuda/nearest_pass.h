// The most similar candidates of each anchor: lists that stay on the device and take in one panel after the other. They are
// k numbers an anchor, and nothing else is kept.
#pragma once

#include "cuda/search_panels.h"
#include "native/core/ranking.h"

namespace circle::cuda {

class NearestPass {
 public:
  NearestPass(const Rows& rows, const Plan& plan, Workspace& workspace, Pace& pace, const Nearest& nearest)
      : plan_(plan), workspace_(workspace), pace_(pace), nearest_(nearest), panels_(rows, plan, workspace, pace) {}

  cudaError_t reserve();
  Outcome run();

 private:
  int64_t count() const { return plan_.anchors * nearest_.k; }
  NearestLists lists() const;
  cudaError_t begin();
  cudaError_t download() const;

  const Plan& plan_;
  Workspace& workspace_;
  Pace& pace_;
  const Nearest& nearest_;
  SearchPanels panels_;
};

}  // namespace circle::cuda
