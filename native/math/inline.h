// What every formula header needs to compile for scalars, SIMD vectors and GPUs alike.
//
// Formulas are templates over the number type V: float and double, a compiler vector of floats (native/cpu), float on a
// GPU. They use only operators that all of them have: + − × /, comparisons, and `condition ? a : b`, which on vectors
// chooses lane by lane.
#pragma once

#if defined(__CUDACC__)
#define CIRCLE_INLINE __host__ __device__ __forceinline__
#else
// Always inlined, not just `inline`: an inline function that is compiled for several instruction sets is one symbol to
// the linker, which may keep the copy that an older CPU cannot run.
#define CIRCLE_INLINE inline __attribute__((always_inline))
#endif

namespace circle {

// The same number in every lane. Subtracting zero changes no float, not even −0, so that compilers leave it out.
template <class V>
CIRCLE_INLINE V constant(float x) {
  return x - V{};
}

// Written so that compilers see one instruction and NaN stays NaN: the first operand wins where nothing compares.
template <class V>
CIRCLE_INLINE V larger(V x, V y) {
  return y > x ? y : x;
}

template <class V>
CIRCLE_INLINE V smaller(V x, V y) {
  return y < x ? y : x;
}

template <class V>
CIRCLE_INLINE V absolute(V x) {
  return larger(x, -x);
}

}  // namespace circle
