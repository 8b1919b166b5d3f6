// Kernels for the emulator's own tests, each right, and wrong in one way.
#pragma once

#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"

namespace circle::cuda {

enum class Bug { kNone, kNoBarrier, kNoWait, kWrongFragment };

// y = x reversed within the block, through shared memory.
template <Bug bug>
__global__ void reverse_kernel(const float* x, float* y) {
  float* const shared = reinterpret_cast<float*>(shared_memory());
  const unsigned i = threadIdx.x, last = blockDim.x - 1;
  shared[i] = x[blockIdx.x * blockDim.x + i];
  if (bug != Bug::kNoBarrier) barrier();
  y[blockIdx.x * blockDim.x + i] = shared[last - i];
}

// c = a b of one warp: a 16 × 16 and b 16 × 8 halves, row by row, c floats.
template <Bug bug>
__global__ void product_kernel(const uint16_t* a, const uint16_t* b, float* c) {
  uint16_t* const shared = reinterpret_cast<uint16_t*>(shared_memory());
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  copy_16_bytes(shared + lane * 8, a + lane * 8, true);
  copy_16_bytes(shared + 256 + lane * 8, b + lane % 16 * 8, lane < 16);
  commit_copies();
  if (bug != Bug::kNoWait) wait_for_copies<0>();
  barrier();
  uint32_t left[4], right[4];
  load_matrices(left, shared + lane % 16 * 16 + lane / 16 * 8);
  load_matrices_transposed(right, shared + 256 + lane * 8);
  const uint32_t pair[2] = {right[0], right[bug == Bug::kWrongFragment ? 0 : 1]};
  float sums[4] = {};
  multiply_add(sums, left, pair);
  if (bug == Bug::kNoWait) wait_for_copies<0>();
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sums[i];
}

}  // namespace circle::cuda
