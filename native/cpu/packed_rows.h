// The operands of one call: its rows measured and packed, and tiles of similarities made from them. Shared by
// the loss and by the similarity matrix.
#pragma once

#include <atomic>

#include "native/core/problem.h"
#include "native/core/status.h"
#include "native/cpu/kernels.h"
#include "native/cpu/plan.h"
#include "native/cpu/thread_pool.h"
#include "native/cpu/workspace.h"

namespace circle::cpu {

// Which packed forms of the candidates a panel needs.
struct CandidateForms {
  bool groups;  // for similarities
  bool panels;  // for gradients
};

class PackedRows {
 public:
  PackedRows(const Kernels& kernels, const Rows& rows, const Plan& plan, Workspace& workspace, ThreadTeam& team)
      : kernels_(kernels), rows_(rows), plan_(plan), workspace_(workspace), team_(team) {}

  // Room for the anchors, and for the widest panel of candidates in the given forms.
  bool reserve(int64_t widest_panel, CandidateForms forms);

  // Measures and packs the anchors (for pair-wise labels: all rows there are).
  Outcome pack_anchors();
  // Measures candidates; before any panel is packed.
  Outcome measure_candidates();
  // Packs a panel of candidates; nothing to do where they are the batch.
  void pack_candidates(Range panel, CandidateForms forms);

  // Similarities of a tile whose column lies in the packed panel.
  void similarity_tile(Range panel, TileIndex tile, float* to) const;

  Panels anchors() const { return {workspace_.anchor_panels.as<float>(), plan_.anchors.padded_rows() * kPanel}; }
  // Rows of the packed panel of candidates, from the given block on.
  Panels candidates(Range panel, int64_t block) const;

  const RowScale* anchor_scales() const { return workspace_.anchor_scales.as<RowScale>(); }
  const RowScale* candidate_scales() const {
    return plan_.symmetric ? anchor_scales() : workspace_.candidate_scales.as<RowScale>();
  }

 private:
  Outcome measure(const float* rows, const Blocks& blocks, RowScale* scales, InputArray array);
  float* groups(Range panel, int64_t block) const;

  const Kernels& kernels_;
  const Rows& rows_;
  const Plan& plan_;
  Workspace& workspace_;
  ThreadTeam& team_;
};

}  // namespace circle::cpu
