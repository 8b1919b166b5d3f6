// Slabs: 128 items × 32 steps of one operand in shared memory, as halves, on their way from global memory to the tensor
// cores. An operand's items (rows or columns of the result) lie one of two ways, and so do its slabs:
//
//   kItems   element (item, step) at item · stride + step    slab of 128 rows of 4 chunks      read as it lies
//   kSteps   element (item, step) at step · stride + item    slab of 32 rows of 16 chunks      read transposed
//
// A chunk is 8 halves, 16 bytes: what one thread copies and one lane of ldmatrix addresses. ldmatrix reads the same chunk
// of 8 consecutive rows at a time; the chunk's place in its row is XORed with bits of the row number, so that these 8 lie
// in 8 different groups of banks. Copies stay coalesced: a row's chunks only change places.
#pragma once

#include "cuda/kernels.h"
#include "cuda/ptx.cuh"

namespace circle::cuda {

enum class Lies : int { kItems, kSteps };

// One operand as the loop over steps reads it: from its first item on.
struct Source {
  const void* high;
  const void* low;
  int64_t stride;
  int32_t items;  // beyond them, and beyond the steps, there are zeros
  int32_t steps;
};

constexpr int kSlabSteps = 32;
constexpr int kSlabHalves = kTile * kSlabSteps;
constexpr int kChunk = 8;

// What rounding to a half leaves, at most 2⁻¹¹ of the number, is kept at the number's own size: it would be a denormal, or
// nothing, long before the number is.
constexpr float kLowScale = 2048;

CIRCLE_DEVICE uint16_t low_half(float x, uint16_t high) {
  return to_half((x - from_half(high)) * kLowScale);
}

template <Lies lies>
struct Slab {
  static constexpr int kRows = lies == Lies::kItems ? kTile : kSlabSteps;
  static constexpr int kChunks = kSlabHalves / kRows / kChunk;

  // Index of a chunk's first half. A row of 4 chunks is half the banks: two rows, then the XOR.
  CIRCLE_DEVICE static int place(int row, int chunk) {
    const int bits = lies == Lies::kItems ? row / 2 % 4 : row % 8;
    return (row * kChunks + (chunk ^ bits)) * kChunk;
  }

  // One plane of the slab that begins at step `first_step`; all threads of the block copy.
  template <int threads>
  CIRCLE_DEVICE static void copy(uint16_t* slab, const void* plane, const Source& source, int first_step) {
#pragma unroll
    for (int i = 0; i < kRows * kChunks / threads; ++i) {
      const int number = i * threads + static_cast<int>(threadIdx.x);
      const int row = number / kChunks, chunk = number % kChunks;
      const int item = lies == Lies::kItems ? row : chunk * kChunk;
      const int step = first_step + (lies == Lies::kItems ? chunk * kChunk : row);
      const int64_t at = lies == Lies::kItems ? item * source.stride + step : step * source.stride + item;
      copy_16_bytes(slab + place(row, chunk), static_cast<const uint16_t*>(plane) + at,
                    item < source.items && step < source.steps);
    }
  }

  // The 16 × 16 fragment of the left operand: items from `item`, steps from `step` of the slab.
  CIRCLE_DEVICE static void load_left(uint32_t (&a)[4], const uint16_t* slab, int item, int step, int lane) {
    const int matrix = lane / 8, line = lane % 8;
    if constexpr (lies == Lies::kItems)
      load_matrices(a, slab + place(item + matrix % 2 * 8 + line, step / kChunk + matrix / 2));
    else
      load_matrices_transposed(a, slab + place(step + matrix / 2 * 8 + line, item / kChunk + matrix % 2));
  }

  // Two 16 × 8 fragments of the right operand, next to each other: b[0], b[1] of items from `item`, b[2], b[3] of the
  // 8 after them.
  CIRCLE_DEVICE static void load_right(uint32_t (&b)[4], const uint16_t* slab, int item, int step, int lane) {
    const int matrix = lane / 8, line = lane % 8;
    if constexpr (lies == Lies::kItems)
      load_matrices(b, slab + place(item + matrix / 2 * 8 + line, step / kChunk + matrix % 2));
    else
      load_matrices_transposed(b, slab + place(step + matrix % 2 * 8 + line, item / kChunk + matrix / 2));
  }
};

}  // namespace circle::cuda
