// The gradient: for each panel its pair weights, then what they give the panel's rows and what they give the columns.
// The two products write different sums, so that they run side by side: either alone may be too small for a device.
//
// Pair-wise, rows [r₀, r₁) of the batch are final after their own panel. Otherwise the rows are candidates, whose
// gradient no other panel adds to, and the anchors' sums are final at the end. What is final goes to the host while the
// device works on the next panel.
#pragma once

#include "cuda/loss_call.h"
#include "cuda/result_queue.h"

namespace circle::cuda {

class GradientPass {
 public:
  explicit GradientPass(const LossCall& call) : call_(call), results_(call.workspace) {}

  cudaError_t reserve();
  // Starts the first panel.
  Outcome start();
  // The other panels, and everything to the host.
  Outcome finish();

 private:
  Outcome start_panel();
  cudaError_t enqueue(Range range);
  cudaError_t give_rows(Range range, const Operand& weights, const GradientLayout& layout);
  cudaError_t give_batch_rows(Range range, const Operand& weights, const GradientLayout& layout);
  cudaError_t give_candidates(Range range, const Operand& weights, const GradientLayout& layout);
  cudaError_t give_columns(Range range, const Operand& weights, const Operand& rows);
  cudaError_t multiply_rows(Range range, const Operand& weights, const Operand& others, const GradientLayout& layout,
                            Sums& sums) const;
  cudaError_t unpack_anchors(Range range, const Sums& by_rows, const Sums& by_columns);
  Sums anchor_sums(int64_t first) const;

  const LossCall& call_;
  ResultQueue results_;
  Range last_{0, 0};  // panel that was started
};

}  // namespace circle::cuda
