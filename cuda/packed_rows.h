// Rows of a call on the device: as they were given, and packed as operands. Anchors are packed once; other candidates a
// panel at a time, into the panel's own memory, in each pass.
#pragma once

#include "cuda/plan.h"
#include "cuda/workspace.h"

namespace circle::cuda {

class PackedRows {
 public:
  PackedRows(const Rows& rows, const Plan& plan, Workspace& workspace)
      : rows_(rows), plan_(plan), workspace_(workspace) {}

  cudaError_t reserve();

  // Copies on the stream of copies; `uploaded` says when the kernels may go on.
  cudaError_t upload_anchors();                // and which rows the candidates are
  cudaError_t upload_candidates(Range range);  // nothing for those that are on the device

  cudaError_t pack_anchors();
  // Scales and the finite check alone.
  cudaError_t measure_candidates(Range range);
  // Nothing where candidates are the batch.
  cudaError_t pack_candidates(Range range, void* packed);

  // The panel of those rows, without labels.
  Panel panel(Range range, void* packed) const;

  Operand anchors() const { return operand(workspace_.packed_anchors.at(0), plan_.anchors, plan_.dim); }
  // `memory` as a matrix in the core's format.
  Operand operand(void* memory, int64_t rows, int64_t columns) const;

  GivenRows given_anchors(Range range) const;
  GivenRows given_candidates(Range range) const;
  // On the device, or null: which row each candidate is.
  const int32_t* candidate_rows() const {
    return rows_.candidate_rows ? workspace_.candidate_rows.as<int32_t>() : nullptr;
  }
  RowScale* anchor_scales(int64_t first) const { return workspace_.anchor_scales.as<RowScale>() + first; }
  RowScale* candidate_scales(int64_t first) const { return workspace_.candidate_scales.as<RowScale>() + first; }

 private:
  cudaError_t pack(InputArray array, Range range, Operand packed);
  bool candidates_travel() const { return !plan_.symmetric && rows_.candidates_place == Place::kHost; }

  const Rows& rows_;
  const Plan& plan_;
  Workspace& workspace_;
};

}  // namespace circle::cuda
