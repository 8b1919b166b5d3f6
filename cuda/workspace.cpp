#include "cuda/workspace.h"

namespace circle::cuda {

cudaError_t Workspace::open() {
  for (Stream* stream : {&compute, &beside, &copies}) CIRCLE_TRY(stream->open());
  for (Event* event : {&uploaded, &forked, &joined, &scalars_arrived, &panel_done[0], &panel_done[1], &result_ready[0],
                       &result_ready[1], &result_taken[0], &result_taken[1]})
    CIRCLE_TRY(event->open());
  return cudaSuccess;
}

cudaError_t Workspace::drain() const {
  cudaError_t first = cudaSuccess;
  for (const Stream* stream : {&copies, &beside, &compute}) {
    const cudaError_t error = stream->synchronize();
    if (first == cudaSuccess) first = error;
  }
  return first;
}

cudaError_t Workspace::reserve_scalars() {
  if (pinned_scalars.reserve(sizeof(Scalars)) != cudaSuccess) (void)cudaGetLastError();
  return scalars.reserve(sizeof(Scalars));
}

Scalars* Workspace::host_scalars() const {
  return pinned_scalars.bytes() > 0 ? pinned_scalars.as<Scalars>() : &plain_scalars;
}

cudaError_t Workspace::send_scalars() const {
  CIRCLE_TRY(cudaMemcpyAsync(host_scalars(), scalars.at(0), sizeof(Scalars), cudaMemcpyDeviceToHost, compute));
  return scalars_arrived.record(compute);
}

void Workspace::release() {
  for (DeviceBuffer* buffer : {&anchors, &candidates, &anchor_scales, &candidate_scales, &packed_anchors,
                               &anchor_labels, &candidate_labels, &candidate_rows, &statistics, &losses, &anchor_losses,
                               &upstream, &terms, &anchor_sums, &anchor_gradient, &panel, &scalars})
    buffer->release();
  for (DeviceBuffer* buffer : {&nearest_similarities, &nearest_candidates, &own_first, &own_end, &run_offsets,
                               &run_hulls, &own_similarities, &thresholds, &intervals, &reached_by})
    buffer->release();
  pinned_scalars.release();
  staging.release();
}

}  // namespace circle::cuda
