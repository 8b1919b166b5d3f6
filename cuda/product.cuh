// One product of tiles, whichever core computes it.
#pragma once

#include "cuda/dispatch.h"
#include "cuda/ffma_product.cuh"
#include "cuda/launch.cuh"
#include "cuda/tensor_product.cuh"

namespace circle::cuda {

// Halves of rows hold 2¹² x̂: a coordinate of a unit row then has all its bits down to 2⁻²⁶.
constexpr float kRowScale = 4096;

template <Core core>
struct Multiplier : TensorCore<core> {
  static constexpr float kSimilarityScale = 1 / (kRowScale * kRowScale);
  static constexpr float kRowUnscale = 1 / kRowScale;
};
template <>
struct Multiplier<Core::kFfma> : FfmaCore {
  static constexpr float kSimilarityScale = 1, kRowUnscale = 1;
};

// What a kernel of products is started with.
struct Stages {
  int count;
  int shared_bytes;
};

// Three stages where shared memory has room for them, else two; `least` bytes for the epilogue.
template <Core core>
Stages stages_for_device(int least) {
  int stages = 2;
  if constexpr (core != Core::kFfma) {
    int device = 0, limit = 0;
    if (cudaGetDevice(&device) == cudaSuccess &&
        cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) == cudaSuccess &&
        limit >= 3 * Multiplier<core>::kStageBytes)
      stages = 3;
  }
  const int bytes = stages * Multiplier<core>::kStageBytes;
  return {stages, bytes > least ? bytes : least};
}

// Rows of an operand, from `first` on, as items that are compared step by step along the dimensions.
CIRCLE_DEVICE Source rows_from(const Operand& operand, int element_bytes, int64_t first) {
  const int64_t at = first * operand.stride * element_bytes;
  const int64_t left = operand.rows - first;
  const char* const low = static_cast<const char*>(operand.low);
  return {static_cast<const char*>(operand.high) + at, low ? low + at : nullptr, operand.stride,
          static_cast<int32_t>(left < kTile ? left : kTile), operand.columns};
}

template <Core core>
constexpr int kElementBytes = core == Core::kFfma ? 4 : 2;  // of one plane

// Similarities of 128 rows with 128 columns; shared memory is free afterwards.
template <Core core>
CIRCLE_DEVICE void similarities(Fragment& s, const Operand& rows, int64_t first_row, const Operand& columns,
                                int64_t first_column, int stages) {
  Multiplier<core>::template multiply<Lies::kItems, Lies::kItems>(s, rows_from(rows, kElementBytes<core>, first_row),
                                                                  rows_from(columns, kElementBytes<core>, first_column),
                                                                  0, rows.columns, stages);
#pragma unroll
  for (int r = 0; r < Fragment::kRows; ++r)
#pragma unroll
    for (int c = 0; c < Fragment::kColumns; ++c) s.at(r, c) *= Multiplier<core>::kSimilarityScale;
}

}  // namespace circle::cuda
