// What retrieval goes through: similarities of all anchors with one panel of candidates after the other, each made on the
// device, looked at there and forgotten. Candidates are uploaded a panel at a time, while the device works on the panel
// before; nothing else crosses the bus but what was asked for, at the end.
//
// A similarity is that of the matrix with candidates given, to the bit, wherever panels begin: a batch is compared with itself as
// with any other rows.
#pragma once

#include "cuda/pace.h"
#include "cuda/packed_rows.h"

namespace circle::cuda {

class SearchPanels {
 public:
  SearchPanels(const Rows& rows, const Plan& plan, Workspace& workspace, Pace& pace)
      : rows_(rows), plan_(plan), workspace_(workspace), pace_(pace), packed_(rows, plan, workspace) {}

  cudaError_t reserve();
  // Anchors arrive and are packed, and so does what was uploaded before.
  cudaError_t begin();

  // look(panel) enqueues the kernels that look at a panel; all panels, in ascending order. `wanted` as in
  // similarity_matrix: what else a panel has is not there.
  template <class Look>
  Outcome for_each(const CandidateRange* wanted, const Look& look) {
    for (Range range{0, 0}; range.end < plan_.candidates;) {
      range = plan_.search_panel(range.end);
      if (const Outcome ready = pace_.begin_panel(); !ready.ok()) return ready;
      if (const Outcome made = outcome_of(make(range, wanted)); !made.ok()) return made;
      if (const Outcome seen = outcome_of(look(panel(range))); !seen.ok()) return seen;
      if (const Outcome ended = outcome_of(pace_.end_panel()); !ended.ok()) return ended;
    }
    return {};
  }

  // Waits for everything, and says whether the rows and Scalars::overflows are what they have to be.
  Outcome end();

 private:
  cudaError_t make(Range range, const CandidateRange* wanted);
  SimilarityPanel panel(Range range) const;
  float* similarities(Range range) const;

  const Rows& rows_;
  const Plan& plan_;
  Workspace& workspace_;
  Pace& pace_;
  PackedRows packed_;
  int64_t arrived_ = 0;  // candidates that are on the device
};

}  // namespace circle::cuda
