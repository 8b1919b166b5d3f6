// The plain loop: the same product as tensor_product.cuh in float32 multiply-adds, for rows that are not of unit length,
// whose range halves do not have, and as the tensor cores' judge. A slab is 16 steps, [step][item] with 4 floats of
// padding a step, two of them in turn; per step a thread reads 16 floats and does 64 multiply-adds, which bound it.
#pragma once

#include "cuda/fragment.cuh"
#include "cuda/slab.cuh"

namespace circle::cuda {

struct FfmaCore {
  static constexpr int kSteps = 16;
  static constexpr int kPitch = kTile + 4;
  static constexpr int kSlabFloats = kSteps * kPitch;
  static constexpr int kStageBytes = 2 * kSlabFloats * static_cast<int>(sizeof(float));
  static constexpr int kVectors = kTile * kSteps / 4 / Tiling::kThreads;

  // What a thread carries from global to shared memory.
  struct Load {
    float4 of[kVectors];
  };

  // Which vector of four: along steps where items are rows, along items where steps are.
  template <Lies lies>
  CIRCLE_DEVICE static void place(int i, int& item, int& step) {
    const int number = i * Tiling::kThreads + static_cast<int>(threadIdx.x);
    if constexpr (lies == Lies::kItems) {
      item = number / (kSteps / 4);
      step = number % (kSteps / 4) * 4;
    } else {
      step = number / (kTile / 4);
      item = number % (kTile / 4) * 4;
    }
  }

  template <Lies lies>
  CIRCLE_DEVICE static void fetch(Load& load, const Source& source, int first_step) {
#pragma unroll
    for (int i = 0; i < kVectors; ++i) {
      int item, step;
      place<lies>(i, item, step);
      step += first_step;
      const int64_t at = lies == Lies::kItems ? item * source.stride + step : step * source.stride + item;
      load.of[i] = item < source.items && step < source.steps
                       ? *reinterpret_cast<const float4*>(static_cast<const float*>(source.high) + at)
                       : make_float4(0, 0, 0, 0);
    }
  }

  template <Lies lies>
  CIRCLE_DEVICE static void deposit(float* slab, const Load& load) {
#pragma unroll
    for (int i = 0; i < kVectors; ++i) {
      int item, step;
      place<lies>(i, item, step);
      const float4 v = load.of[i];
      if constexpr (lies == Lies::kItems) {
        slab[(step + 0) * kPitch + item] = v.x;
        slab[(step + 1) * kPitch + item] = v.y;
        slab[(step + 2) * kPitch + item] = v.z;
        slab[(step + 3) * kPitch + item] = v.w;
      } else {
        *reinterpret_cast<float4*>(slab + step * kPitch + item) = v;
      }
    }
  }

  CIRCLE_DEVICE static void multiply_slab(Fragment& c, const float* a_slab, const float* b_slab, const Position& at) {
#pragma unroll 4
    for (int step = 0; step < kSteps; ++step) {
      float a[Tiling::kRows];
      float2 b[Tiling::kColumns / 2];
#pragma unroll
      for (int r = 0; r < Tiling::kRows; ++r) a[r] = a_slab[step * kPitch + at.row(r)];
#pragma unroll
      for (int n = 0; n < Tiling::kColumns / 2; ++n)
        b[n] = *reinterpret_cast<const float2*>(b_slab + step * kPitch + at.column(2 * n));
#pragma unroll
      for (int r = 0; r < Tiling::kRows; ++r)
#pragma unroll
        for (int n = 0; n < Tiling::kColumns / 2; ++n) {
          c.at(r, 2 * n) = fmaf(a[r], b[n].x, c.at(r, 2 * n));
          c.at(r, 2 * n + 1) = fmaf(a[r], b[n].y, c.at(r, 2 * n + 1));
        }
    }
  }

  template <Lies left, Lies right>
  CIRCLE_DEVICE static void multiply(Fragment& c, const Source& a, const Source& b, int first_step, int last_step,
                                     int) {
    float* const slabs = reinterpret_cast<float*>(shared_memory());
    const Position at;
    Load load_a, load_b;
    fetch<left>(load_a, a, first_step);
    fetch<right>(load_b, b, first_step);
    int turn = 0;
    for (int step = first_step; step < last_step; step += kSteps, turn ^= 1) {
      float* const a_slab = slabs + turn * 2 * kSlabFloats;
      float* const b_slab = a_slab + kSlabFloats;
      // Free: the barrier of the turn before came after everybody had read what lay here.
      deposit<left>(a_slab, load_a);
      deposit<right>(b_slab, load_b);
      barrier();
      if (step + kSteps < last_step) {
        fetch<left>(load_a, a, step + kSteps);
        fetch<right>(load_b, b, step + kSteps);
      }
      multiply_slab(c, a_slab, b_slab, at);
    }
    barrier();
  }
};

}  // namespace circle::cuda
