// Lets the host be one panel ahead of the device, so that the device need not wait, and no more, so that an abort acts
// between panels.
#pragma once

#include <atomic>

#include "cuda/workspace.h"

namespace circle::cuda {

class Pace {
 public:
  Pace(const Workspace& workspace, const std::atomic<bool>* abort) : workspace_(workspace), abort_(abort) {}

  // From here on no abort is heard: the last one that is.
  Outcome last_chance() {
    const bool aborted = abort_ && abort_->load(std::memory_order_relaxed);
    abort_ = nullptr;
    return aborted ? Outcome{Status::kAborted} : Outcome{};
  }

  // Before a panel's first kernel: waits for the last but one before it.
  Outcome begin_panel() {
    const Outcome waited = outcome_of(workspace_.panel_done[current_].synchronize());
    return waited.ok() && abort_ && abort_->load(std::memory_order_relaxed) ? Outcome{Status::kAborted} : waited;
  }

  // After its last kernel.
  cudaError_t end_panel() {
    CIRCLE_TRY(workspace_.panel_done[current_].record(workspace_.compute));
    current_ ^= 1;
    return cudaSuccess;
  }

 private:
  const Workspace& workspace_;
  const std::atomic<bool>* abort_;
  int current_ = 0;
};

}  // namespace circle::cuda
