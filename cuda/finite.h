// The finite check's answer: anchors first, as in every engine.
#pragma once

#include "cuda/kernels.h"

namespace circle::cuda {

inline Outcome check_finite(const Scalars& scalars) {
  for (const InputArray array : {InputArray::kAnchors, InputArray::kCandidates}) {
    const int32_t row = scalars.first_bad_row[static_cast<int>(array)];
    if (row != kNoBadRow) return {Status::kNotFinite, array, row};
  }
  return {};
}

}  // namespace circle::cuda
