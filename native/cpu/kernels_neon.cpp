// NEON, which every 64-bit Arm has: 24 accumulators of 4 floats, 27 of 32 registers.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#define CIRCLE_VARIANT neon
#define CIRCLE_LANES 4
#define CIRCLE_FUSED 1
#define CIRCLE_HEIGHT 12
#define CIRCLE_VECTORS 2
#include "native/cpu/variant.h"

#endif
