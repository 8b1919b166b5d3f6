// What an engine holds on its device between calls: memory, streams, and events between them.
#pragma once

#include "cuda/kernels.h"
#include "cuda/staging.h"

namespace circle::cuda {

struct Workspace {
  HeldBytes held;

  // Rows as given; candidates only where they come from the host.
  DeviceBuffer anchors{held}, candidates{held};
  DeviceBuffer anchor_scales{held}, candidate_scales{held};  // RowScale each row
  DeviceBuffer packed_anchors{held};
  DeviceBuffer anchor_labels{held}, candidate_labels{held}, candidate_rows{held};
  DeviceBuffer statistics{held}, losses{held}, anchor_losses{held}, upstream{held}, terms{held};  // each anchor
  DeviceBuffer anchor_sums{held}, anchor_gradient{held};
  DeviceBuffer nearest_similarities{held}, nearest_candidates{held};
  DeviceBuffer own_first{held}, own_end{held}, run_offsets{held}, run_hulls{held};           // each anchor
  DeviceBuffer own_similarities{held}, thresholds{held}, intervals{held}, reached_by{held};  // each of an own run
  DeviceBuffer panel{held};  // plan.h says what it holds
  DeviceBuffer scalars{held};

  Staging staging{held};
  PinnedBuffer pinned_scalars{held};
  mutable Scalars plain_scalars;  // where there is no pinned memory

  Stream compute;  // kernels, in the order of the panels
  Stream beside;   // the product that another one does not depend on
  Stream copies;   // to and from the host

  Event uploaded, forked, joined, scalars_arrived;
  Event panel_done[2];                     // of the panels in flight
  Event result_ready[2], result_taken[2];  // of the results on their way to the host

  // Makes streams and events where there are none. The device must be current, here and below.
  cudaError_t open();
  bool is_open() const { return compute.is_open(); }
  // Waits for everything that was started, whatever became of it; the first failure.
  cudaError_t drain() const;

  cudaError_t reserve_scalars();
  // Starts the way of the scalars to the host; `scalars_arrived` says when they are in the structure that is returned by
  // scalars_on_host().
  cudaError_t send_scalars() const;
  const Scalars& scalars_on_host() const { return *host_scalars(); }
  void release();

 private:
  Scalars* host_scalars() const;
};

}  // namespace circle::cuda
