// The Circle loss (Sun et al., CVPR 2020, Eq. 6): logits are products of a similarity's distances from its optimum and
// from its target. Completing the square (docs/math.md §5) makes each logit
//
//     l = γ (q² − r²),   q = |s − c| where the weight α is positive, q = r where it is clamped to 0,
//
// with c and r the centre and half distance of optimum and target. q is the `key`: it grows with the logit.
#pragma once

#include "native/math/inline.h"

namespace circle {

struct CircleSide {
  float gamma;
  float centre;       // c = (O + Δ) / 2
  float radius;       // r = |O − Δ| / 2
  float optimum;      // O: beyond it the weight is 0
  float direction;    // −1 positives, whose weight is [O − s]₊; +1 negatives, whose weight is [s − O]₊
  float slope_scale;  // ∂l/∂s = slope_scale · (s − slope_zero) where the weight is positive
  float slope_zero;

  // Written as "not inactive", so that NaN counts as active and comes out of the loss instead of vanishing.
  template <class V>
  CIRCLE_INLINE V key(V s) const {
    return direction * (s - optimum) <= 0 ? constant<V>(radius) : absolute(s - centre);
  }

  // logit(key) − logit(reference) in its factored form: no cancellation of two large logits (docs/math.md §5).
  template <class V>
  CIRCLE_INLINE V exponent(V key, V reference) const {
    return gamma * ((key - reference) * (key + reference));
  }

  template <class V>
  CIRCLE_INLINE V slope(V s) const {
    return direction * (s - optimum) <= 0 ? V{} : slope_scale * (s - slope_zero);
  }

  double logit(float key) const {
    const double q = key, r = radius;
    return gamma * (q - r) * (q + r);
  }
};

struct CircleLoss {
  static constexpr bool kHardest = false;
  CircleSide positive, negative;

  // `detached` is the paper's gradient (Eq. 9, 10): the weight α is a constant and the slope is ∓γα.
  // The full derivative of γ(s − O)(s − Δ) is 2γ(s − c).
  enum class Derivative { kDetached, kFull };

  struct Side {
    double optimum, target;
  };

  static CircleSide make_side(double gamma, Side side, double direction, Derivative derivative) {
    const double centre = (side.optimum + side.target) / 2, half = (side.optimum - side.target) / 2;
    const bool full = derivative == Derivative::kFull;
    return {static_cast<float>(gamma),        static_cast<float>(centre),
            static_cast<float>(half < 0 ? -half : half), static_cast<float>(side.optimum),
            static_cast<float>(direction),    static_cast<float>(full ? 2 * gamma : gamma),
            static_cast<float>(full ? centre : side.optimum)};
  }

  static CircleLoss make(double gamma, Side positive, Side negative, Derivative derivative) {
    return {make_side(gamma, positive, -1, derivative), make_side(gamma, negative, +1, derivative)};
  }
};

}  // namespace circle
