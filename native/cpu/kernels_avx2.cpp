// AVX2 and FMA: 12 accumulators of 8 floats, 15 of 16 registers.
#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

// A pragma after the standard headers, not a compiler flag: nothing that other files also compile may use these
// instructions.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define CIRCLE_VARIANT avx2
#define CIRCLE_LANES 8
#define CIRCLE_FUSED 1
#define CIRCLE_HEIGHT 6
#define CIRCLE_VECTORS 2
#include "native/cpu/variant.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
