// The operands of one call: its rows measured and packed, and tiles of similarities made from them. Shared by the loss
// and by the similarity matrix.
#pragma once

#include <atomic>

#include "native/core/problem.h"
#include "native/core/status.h"
#include "native/cpu/kernels.h"
#include "native/cpu/plan.h"
#include "native/cpu/thread_pool.h"
#include "native/cpu/workspace.h"

namespace circle::cpu {

// What to make of a panel of candidates.
struct CandidateForms {
  bool scales;  // measured: once a call, before anything else
  bool groups;  // packed for similarities
  bool panels;  // packed for gradients
};

class PackedRows {
 public:
  PackedRows(const Kernels& kernels, const Rows& rows, const Plan& plan, Workspace& workspace, ThreadTeam& team)
      : kernels_(kernels), rows_(rows), plan_(plan), workspace_(workspace), team_(team) {}

  // Room for the anchors, and for the widest panel of candidates in the given forms.
  bool reserve(int64_t widest_panel, CandidateForms forms);

  // Measures and packs the anchors (for pair-wise labels: all rows there are).
  void pack_anchors();
  // Measures and packs a panel of candidates, what of it is not there yet.
  void pack_candidates(Range panel, CandidateForms forms);
  // Whether a row that was measured is not finite, and has to be reported.
  Outcome check_finite() const;

  // Room for row-major rows of one block of candidates for each thread, and a thread's own.
  bool reserve_row_blocks();
  float* row_block(int worker) const { return workspace_.row_blocks.as<float>() + worker * plan_.group_floats(); }

  // g · x̂ of the anchors, whose gradient slices have a part of each; null where there is one slice.
  const double* project_anchors(Panels gradient) const;

  // Similarities of a tile whose column lies in the panel that was packed last.
  void similarity_tile(TileIndex tile, float* to) const;

  Panels anchors() const { return {workspace_.anchor_panels.as<float>(), plan_.anchors.padded_rows() * kPanel}; }
  // Rows of the packed panel of candidates, from the given block on.
  Panels candidates(Range panel, int64_t block) const;

  const RowScale* anchor_scales() const { return workspace_.anchor_scales.as<RowScale>(); }
  const RowScale* candidate_scales() const {
    return plan_.symmetric ? anchor_scales() : workspace_.candidate_scales.as<RowScale>();
  }

 private:
  void measure(const float* rows, const Blocks& blocks, int64_t block, RowScale* scales, InputArray array);
  void note_bad_row(InputArray array, int64_t first, int64_t bad);
  const float* candidate_rows(int64_t block, int worker) const;
  bool reserve_slices();
  void pack_anchor_slices();
  const double* add_slice_sums() const;
  void similarity_slices(float* to) const;
  GivenRows anchor_slice(Range dims) const;
  double* slice_sums(int64_t slice) const { return workspace_.slice_sums.as<double>() + slice * plan_.anchors.edge; }
  // Transposed groups of a slice alone: its rows have only its dimensions.
  float* slice_groups(Range dims) const { return groups(0) + dims.begin * plan_.anchors.edge; }
  float* groups(int64_t block) const;

  const Kernels& kernels_;
  const Rows& rows_;
  const Plan& plan_;
  Workspace& workspace_;
  ThreadTeam& team_;
  Range packed_groups_{0, 0};  // blocks of candidates whose transposed groups are in memory
  std::atomic<int64_t> first_bad_row_[2] = {INT64_MAX, INT64_MAX};  // of anchors and of candidates
};

}  // namespace circle::cpu
