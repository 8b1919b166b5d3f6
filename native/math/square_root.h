// √x for a scalar or for each lane of a compiler vector.
#pragma once

#include <cmath>
#include <type_traits>

#include "native/math/inline.h"

namespace circle {

template <class V>
CIRCLE_INLINE V square_root(V x) {
  if constexpr (std::is_arithmetic_v<V>) {
    return sqrt(x);
  } else {
    V root;
    for (unsigned lane = 0; lane < sizeof(V) / sizeof(x[0]); ++lane) root[lane] = __builtin_sqrtf(x[lane]);
    return root;
  }
}

}  // namespace circle
