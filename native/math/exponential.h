// eˣ for the weights of pairs, x ≤ 0: an anchor's reference is its largest logit.
//
// x = n ln 2 + r with |r| ≤ ln 2 / 2, eˣ = 2ⁿ eʳ, and eʳ = 1 + r + r² q(r) with q of degree 4, the minimax
// polynomial for the relative error on that interval (3.1e-9, a twentieth of float's rounding). Below the
// smallest normal number the result is 0: such a pair weighs less than 1e-37 of the hardest one, and
// denormals are slow. Above 0 the result is right up to 88 and means nothing beyond.
#pragma once

#include "native/math/inline.h"

namespace circle {

// V: float or a compiler vector of floats; U: unsigned int or the vector of as many.
template <class V, class U>
CIRCLE_INLINE V exponential(V x) {
  constexpr float kLog2E = 1.44269504f;
  // ln 2 in two parts; the first has 15 bits, so that n times it is exact even without a fused multiply-add.
  constexpr float kLn2High = 0.693145751953125f, kLn2Low = 1.42860677e-6f;
  // Adding 1.5·2²³ leaves the integer nearest to x log₂ e in the low bits; 127 more is its biased exponent.
  constexpr float kRound = 12582912.0f + 127.0f;
  constexpr float kSmallest = -87.33654f;  // rounded towards 0, or one denormal would come out

  const V shifted = x * kLog2E + kRound;
  const V n = shifted - kRound;
  const V r = (x - n * kLn2High) - n * kLn2Low;
  V q = 0.0013814466967963096f * r + 0.00836878043817951f;
  q = q * r + 0.041668394214872916f;
  q = q * r + 0.16666520107600064f;
  q = q * r + 0.4999999341247742f;
  const V fraction = 1 + (r + r * r * q);
  const V power = __builtin_bit_cast(V, __builtin_bit_cast(U, shifted) << 23);
  // NaN compares with nothing and stays NaN.
  return x < kSmallest ? V{} : fraction * power;
}

}  // namespace circle
