// What CUDA C++ has no word for, and everything that threads do together: the only file with inline PTX. Under
// emulation test/emulator/device.h has the same functions for the CPU; kernels know nothing else of the machine but
// threadIdx, blockIdx, blockDim and gridDim.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#if defined(CIRCLE_EMULATOR)
#include "test/emulator/device.h"
#else

namespace circle::cuda {

#define CIRCLE_DEVICE __device__ __forceinline__

// The block's dynamic shared memory, aligned to 128 bytes; not initialised.
CIRCLE_DEVICE unsigned char* shared_memory() {
  extern __shared__ __align__(128) unsigned char circle_shared_memory[];
  return circle_shared_memory;
}

// All threads of the block arrive, then all go on; what was written before can be read after.
CIRCLE_DEVICE void barrier() {
  __syncthreads();
}

// Half precision as bits: the nearest, ties to even; denormals are kept.
CIRCLE_DEVICE uint16_t to_half(float x) {
  uint16_t half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
  return half;
}
CIRCLE_DEVICE float from_half(uint16_t half) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
  return x;
}

// 2ˣ, relative error at most 2⁻²², denormal results are 0.
CIRCLE_DEVICE float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

CIRCLE_DEVICE uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// 16 bytes from global to shared memory, both aligned to 16; zeros where `exists` is false, and `global` is not read
// then. They have landed after a wait for the group that they were committed in, for the thread that waited; for others
// after a barrier as well. Turing copies at once.
CIRCLE_DEVICE void copy_16_bytes(void* shared, const void* global, bool exists) {
#if __CUDA_ARCH__ >= 800
  const int bytes = exists ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes)
               : "memory");
#else
  *static_cast<uint4*>(shared) = exists ? *static_cast<const uint4*>(global) : make_uint4(0, 0, 0, 0);
#endif
}
CIRCLE_DEVICE void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Until at most `pending` of the youngest groups are under way.
template <int pending>
CIRCLE_DEVICE void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#endif
}

// Four 8 × 8 matrices of halves. Lane l gives the address of row l % 8 of matrix l / 8 (16 bytes, aligned) and gets of
// each matrix the elements (l / 4, 2 (l % 4)) and the one after it; transposed: (2 (l % 4), l / 4) and the one below.
CIRCLE_DEVICE void load_matrices(uint32_t (&matrices)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
               : "r"(shared_address(row))
               : "memory");
}
CIRCLE_DEVICE void load_matrices_transposed(uint32_t (&matrices)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
               : "r"(shared_address(row))
               : "memory");
}

// c += a b on the tensor cores: a is 16 × 16 halves, b 16 × 8, c 16 × 8 floats, spread over the warp as PTX's m16n8k16
// defines: with g = lane / 4 and t = lane % 4,
//   a[0] (g, 2t), a[1] (g + 8, 2t), a[2] (g, 2t + 8), a[3] (g + 8, 2t + 8), each with the element to its right
//   b[0] (2t, g), b[1] (2t + 8, g), each with the element below
//   c[0], c[1] (g, 2t), (g, 2t + 1);  c[2], c[3] (g + 8, 2t), (g + 8, 2t + 1)
// Products are exact; the sum is truncated, not rounded.
CIRCLE_DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  // Turing has half of it.
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]));
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[2]), "r"(a[3]), "r"(b[1]));
#endif
}

// Among the 32 lanes of a warp, all of which call: what the lane whose number differs by `mask` gave.
CIRCLE_DEVICE float of_lane_xor(float x, int mask) {
  return __shfl_xor_sync(0xffffffffu, x, mask);
}
CIRCLE_DEVICE int of_lane_xor(int x, int mask) {
  return __shfl_xor_sync(0xffffffffu, x, mask);
}
CIRCLE_DEVICE double of_lane_xor(double x, int mask) {
  return __shfl_xor_sync(0xffffffffu, x, mask);
}
// Whether any lane gave true.
CIRCLE_DEVICE bool any_lane(bool x) {
  return __any_sync(0xffffffffu, x);
}

// Integers only, so that the order of arrival changes nothing.
CIRCLE_DEVICE void atomic_min(int32_t* at, int32_t x) {
  atomicMin(at, x);
}
CIRCLE_DEVICE void atomic_max(uint32_t* at, uint32_t x) {
  atomicMax(at, x);
}
CIRCLE_DEVICE void atomic_max(int32_t* at, int32_t x) {
  atomicMax(at, x);
}
// What was there before.
CIRCLE_DEVICE int32_t atomic_add(int32_t* at, int32_t x) {
  return atomicAdd(at, x);
}

}  // namespace circle::cuda

#endif
