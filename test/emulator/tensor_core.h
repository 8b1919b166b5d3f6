// The arithmetic of one mma.m16n8k16 of a whole warp.
#pragma once

#include <cstdint>

#include "test/emulator/emulator.h"

namespace circle::cuda::emulator {

// Of a lane, as multiply_add of cuda/ptx.cuh deals them out.
struct MultiplyAdd {
  float* c;
  const uint32_t* a;
  const uint32_t* b;
};

// As the tensor cores of Ampere and Hopper were measured to add (Fasi, Higham, Mikaitis, Pranesh: Numerical behavior of
// NVIDIA tensor cores, 2021): products are exact. Eight of them and the accumulator are aligned to the largest exponent
// among these nine, cut off 24 bits below it, and added exactly; the sum is cut off to a float. Then the next eight.
// Or, to compare with: exact sums of eight products and the accumulator, rounded once to the nearest.
void multiply_add(void* const (&lanes)[32], Accumulation accumulation);

}  // namespace circle::cuda::emulator
