// baseline x86-64 (SSE2): 12 accumulators of 4 floats, 15 of 16 registers.
#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#define CIRCLE_VARIANT baseline
#define CIRCLE_LANES 4
#define CIRCLE_FUSED 0
#define CIRCLE_HEIGHT 6
#define CIRCLE_VECTORS 2
#include "native/cpu/variant.h"

#endif
