// Results of panels on their way to the host: while one travels, the device computes the next. Each uses one of two
// places on the device in turn.
#pragma once

#include "cuda/workspace.h"

namespace circle::cuda {

class ResultQueue {
 public:
  explicit ResultQueue(Workspace& workspace) : workspace_(workspace) {}

  // Which place the next result uses, and that kernels from here on find it free.
  int slot() const { return static_cast<int>(posted_ % 2); }
  cudaError_t make_room() const { return workspace_.result_taken[slot()].hold(workspace_.compute); }

  // The kernels so far write the next result. At most one may be waiting to be sent.
  cudaError_t post(const Download& result) {
    CIRCLE_TRY(workspace_.result_ready[slot()].record(workspace_.compute));
    results_[slot()] = result;
    ++posted_;
    return cudaSuccess;
  }

  // Sends all but the `kept` last ones, when they are ready.
  cudaError_t send_all_but(int64_t kept) {
    for (; sent_ < posted_ - kept; ++sent_) {
      const int64_t slot = sent_ % 2;
      CIRCLE_TRY(workspace_.result_ready[slot].hold(workspace_.copies));
      CIRCLE_TRY(workspace_.staging.download(results_[slot], workspace_.copies));
      CIRCLE_TRY(workspace_.result_taken[slot].record(workspace_.copies));
    }
    return cudaSuccess;
  }

 private:
  Workspace& workspace_;
  Download results_[2] = {};
  int64_t posted_ = 0, sent_ = 0;
};

}  // namespace circle::cuda
