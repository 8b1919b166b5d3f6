// The tensor-core loop: C[128 × 128] = Σ over steps of A(row, step) · B(column, step), A and B halves, C floats.
//
// Per slab of 32 steps a block copies 128 × 32 halves of each operand and plane (8 KB each) into a ring of stages, two
// or three deep, while the warps multiply what has landed. kFast: one product. kExact: the number is high + low / 2¹¹, and
// high·high + (high·low + low·high) / 2¹¹ leaves out 2⁻²² of a product at most; the tensor cores truncate where they add, so
// every slab their sums are taken out and added up by the ordinary, rounding adders (docs/decisions/0006). What bounds
// it: the tensor cores, or shared memory where an SM has more than some 1,300 (kExact) or 1,000 (kFast) multiply-adds of
// halves a cycle for them: reads and copies of a slab take 1,216 and 512 cycles.
#pragma once

#include "cuda/fragment.cuh"
#include "cuda/slab.cuh"

namespace circle::cuda {

template <Core core>
struct TensorCore {
  static constexpr int kPlanes = core == Core::kExact ? 2 : 1;
  static constexpr int kStageHalves = 2 * kPlanes * kSlabHalves;
  static constexpr int kStageBytes = kStageHalves * static_cast<int>(sizeof(uint16_t));

  // Fragments of 16 steps of one plane.
  struct Left {
    uint32_t of[Tiling::kRows / 2][4];
  };
  struct Right {
    uint32_t of[Tiling::kColumns / 4][4];
  };

  template <Lies left, Lies right>
  CIRCLE_DEVICE static void copy_slab(uint16_t* stage, const Source& a, const Source& b, int first_step) {
    Slab<left>::template copy<Tiling::kThreads>(stage, a.high, a, first_step);
    Slab<right>::template copy<Tiling::kThreads>(stage + kPlanes * kSlabHalves, b.high, b, first_step);
    if constexpr (kPlanes == 2) {
      Slab<left>::template copy<Tiling::kThreads>(stage + kSlabHalves, a.low, a, first_step);
      Slab<right>::template copy<Tiling::kThreads>(stage + 3 * kSlabHalves, b.low, b, first_step);
    }
  }

  template <Lies lies>
  CIRCLE_DEVICE static void load(Left& a, const uint16_t* slab, int step, const Position& at) {
#pragma unroll
    for (int m = 0; m < Tiling::kRows / 2; ++m)
      Slab<lies>::load_left(a.of[m], slab, at.warp_row * Tiling::kHeight + m * 16, step, at.lane);
  }
  template <Lies lies>
  CIRCLE_DEVICE static void load(Right& b, const uint16_t* slab, int step, const Position& at) {
#pragma unroll
    for (int n = 0; n < Tiling::kColumns / 4; ++n)
      Slab<lies>::load_right(b.of[n], slab, at.warp_column * Tiling::kWidth + n * 16, step, at.lane);
  }

  CIRCLE_DEVICE static void add_products(Fragment& c, const Left& a, const Right& b) {
#pragma unroll
    for (int m = 0; m < Tiling::kRows / 2; ++m)
#pragma unroll
      for (int n = 0; n < Tiling::kColumns / 2; ++n) {
        const uint32_t pair[2] = {b.of[n / 2][n % 2 * 2], b.of[n / 2][n % 2 * 2 + 1]};
        multiply_add(c.sums[m][n], a.of[m], pair);
      }
  }

  template <Lies left, Lies right>
  CIRCLE_DEVICE static void multiply_slab(Fragment& c, const uint16_t* stage, const Position& at) {
    if constexpr (core == Core::kExact)
      multiply_exactly<left, right>(c, stage, at);
    else
      for (int step = 0; step < kSlabSteps; step += 16) {
        Left a;
        Right b;
        load<left>(a, stage, step, at);
        load<right>(b, stage + kSlabHalves, step, at);
        add_products(c, a, b);
      }
  }

  // The small products first, back to their own size, then the large ones: what truncation takes is a share of the sum so
  // far, so that only the last two steps count.
  template <Lies left, Lies right>
  CIRCLE_DEVICE static void multiply_exactly(Fragment& c, const uint16_t* stage, const Position& at) {
    const uint16_t *const a_high = stage, *const a_low = stage + kSlabHalves;
    const uint16_t *const b_high = stage + 2 * kSlabHalves, *const b_low = stage + 3 * kSlabHalves;
    Left a;
    Right b;
#pragma unroll
    for (int step = 0; step < kSlabSteps; step += 16) {
      Left a_small;
      Right b_small;
      load<left>(a, a_high, step, at);
      load<right>(b_small, b_low, step, at);
      add_products(c, a, b_small);
      load<left>(a_small, a_low, step, at);
      load<right>(b, b_high, step, at);
      add_products(c, a_small, b);
    }
#pragma unroll
    for (int m = 0; m < Tiling::kRows / 2; ++m)
#pragma unroll
      for (int n = 0; n < Tiling::kColumns / 2; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) c.sums[m][n][i] *= 1 / kLowScale;
#pragma unroll
    for (int step = kSlabSteps - 16; step >= 0; step -= 16) {
      // The last step's are still here.
      if (step < kSlabSteps - 16) {
        load<left>(a, a_high, step, at);
        load<right>(b, b_high, step, at);
      }
      add_products(c, a, b);
    }
  }

  CIRCLE_DEVICE static void drain(Fragment& from, Fragment& total) {
#pragma unroll
    for (int m = 0; m < Tiling::kRows / 2; ++m)
#pragma unroll
      for (int n = 0; n < Tiling::kColumns / 2; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          total.sums[m][n][i] += from.sums[m][n][i];
          from.sums[m][n][i] = 0;
        }
  }

  // All threads of the block; shared memory is free again afterwards.
  template <Lies left, Lies right>
  CIRCLE_DEVICE static void multiply(Fragment& c, const Source& a, const Source& b, int first_step, int last_step,
                                     int stages) {
    uint16_t* const ring = reinterpret_cast<uint16_t*>(shared_memory());
    const Position at;
    const int slabs = (last_step - first_step + kSlabSteps - 1) / kSlabSteps;
    // Groups are committed even where nothing is left to copy: a wait counts groups.
    for (int slab = 0; slab < stages - 1; ++slab) {
      if (slab < slabs) copy_slab<left, right>(ring + slab * kStageHalves, a, b, first_step + slab * kSlabSteps);
      commit_copies();
    }
    Fragment partial;
    for (int slab = 0; slab < slabs; ++slab) {
      if (stages == 3)
        wait_for_copies<1>();
      else
        wait_for_copies<0>();
      // Everybody's copies of this slab have landed, and everybody has read the slab whose place the next one takes.
      barrier();
      const int next = slab + stages - 1;
      if (next < slabs)
        copy_slab<left, right>(ring + next % stages * kStageHalves, a, b, first_step + next * kSlabSteps);
      commit_copies();
      const uint16_t* const stage = ring + slab % stages * kStageHalves;
      if constexpr (core == Core::kExact) {
        multiply_slab<left, right>(partial, stage, at);
        drain(partial, c);
      } else {
        multiply_slab<left, right>(c, stage, at);
      }
    }
    wait_for_copies<0>();
    barrier();
  }
};

}  // namespace circle::cuda
