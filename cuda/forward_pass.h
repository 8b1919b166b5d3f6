// The forward pass: uploads, packing, statistics of all panels, losses, and the call's few numbers on their way to the
// host. Candidates are uploaded a panel at a time, while the device works on the panel before.
#pragma once

#include "cuda/loss_call.h"

namespace circle::cuda {

class ForwardPass {
 public:
  explicit ForwardPass(const LossCall& call) : call_(call) {}

  cudaError_t reserve();
  // Starts all of it.
  Outcome run();
  // Waits for its end, and says whether the rows and the losses are what they have to be.
  Outcome wait();

 private:
  cudaError_t begin();
  cudaError_t upload_labels();
  cudaError_t measure(Range range);
  cudaError_t finish();

  const LossCall& call_;
};

}  // namespace circle::cuda
