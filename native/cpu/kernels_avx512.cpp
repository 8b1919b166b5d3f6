// AVX-512: 24 accumulators of 16 floats, 27 of 32 registers.
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
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif

#define CIRCLE_VARIANT avx512
#define CIRCLE_LANES 16
#define CIRCLE_FUSED 1
#define CIRCLE_HEIGHT 12
#define CIRCLE_VECTORS 2
#include "native/cpu/variant.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
