#include "cuda/search_panels.h"

#include "cuda/finite.h"

namespace circle::cuda {

cudaError_t SearchPanels::reserve() {
  CIRCLE_TRY(packed_.reserve());
  return workspace_.panel.reserve(plan_.search_bytes());
}

cudaError_t SearchPanels::begin() {
  CIRCLE_TRY(reset_scalars(workspace_.scalars.as<Scalars>(), workspace_.compute));
  CIRCLE_TRY(packed_.upload_anchors());
  return packed_.pack_anchors();
}

cudaError_t SearchPanels::make(Range range, const CandidateRange* wanted) {
  void* const packed = workspace_.panel.at(plan_.search_layout(range.size()).packed);
  // Of several passes the first one brings them.
  if (range.end > arrived_) CIRCLE_TRY(packed_.upload_candidates(range));
  arrived_ = range.end > arrived_ ? range.end : arrived_;
  CIRCLE_TRY(packed_.pack_candidates(range, packed));
  Panel tiles = packed_.panel(range, packed);
  // Of two rows that are equal, one before and one after an anchor, the similarities must be equal too, and kExact's bits
  // depend on which operand is the left one: here it is always the candidate.
  tiles.symmetric = false;
  return similarity_matrix(plan_.core, tiles, wanted, similarities(range), range.size(), workspace_.compute);
}

float* SearchPanels::similarities(Range range) const {
  return reinterpret_cast<float*>(workspace_.panel.at(plan_.search_layout(range.size()).similarities));
}

SimilarityPanel SearchPanels::panel(Range range) const {
  return {similarities(range), plan_.anchors, static_cast<int32_t>(range.begin), static_cast<int32_t>(range.size()),
          plan_.symmetric};
}

Outcome SearchPanels::end() {
  Outcome outcome = outcome_of(workspace_.send_scalars());
  if (outcome.ok()) outcome = outcome_of(workspace_.scalars_arrived.synchronize());
  if (!outcome.ok()) return outcome;
  const Scalars& scalars = workspace_.scalars_on_host();
  if (rows_.finite_check == FiniteCheck::kReport) outcome = check_finite(scalars);
  return outcome.ok() && scalars.overflows ? Outcome{Status::kOverflow} : outcome;
}

}  // namespace circle::cuda
