// The Circle loss (Sun et al., CVPR 2020, Eq. 6): logits are products of a similarity's distances from its
// optimum and from its target. Completing the square (docs/math.md §5) makes each logit
//
//     l = γ (q² − r²),   q = |s − c|,
//
// with c and r the centre and half distance of optimum O and target Δ. Beyond O the weight is 0, and so is
// the logit: clamping s to O there gives q = r. q is the `key`: it grows with the logit.
#pragma once

#include "native/math/inline.h"

namespace circle {

enum class CircleDerivative {
  kDetached,  // the paper's gradient (Eq. 9, 10): the weight α is a constant and the slope is ∓γα
  kFull,      // of γ(s − O)(s − Δ): 2γ(s − c)
};

// `direction`: −1 positives, whose weight is [O − s]₊; +1 negatives, whose weight is [s − O]₊.
template <int direction>
struct CircleSide {
  float gamma;
  float centre, radius;
  float optimum;
  float slope_scale, slope_zero;  // ∂l/∂s = slope_scale · (s − slope_zero) where the weight is positive

  static CircleSide make(double gamma, double optimum, double target, CircleDerivative derivative) {
    const bool full = derivative == CircleDerivative::kFull;
    const float o = static_cast<float>(optimum), centre = static_cast<float>((optimum + target) / 2);
    // From the rounded numbers, as `key` computes it: a clamped pair has the logit 0 exactly.
    return {static_cast<float>(gamma), centre, absolute(o - centre), o, static_cast<float>(full ? 2 * gamma : gamma),
            full ? centre : o};
  }

  template <class V>
  CIRCLE_INLINE V key(V s) const {
    const V limit = constant<V>(optimum);
    return absolute((direction > 0 ? larger(s, limit) : smaller(s, limit)) - centre);
  }

  // logit(key) − logit(reference) in its factored form: no cancellation of two large logits (docs/math.md §5).
  template <class V>
  CIRCLE_INLINE V exponent(V key, V reference) const {
    return gamma * ((key - reference) * (key + reference));
  }

  // NaN compares as active, so that it comes out of the gradient.
  template <class V>
  CIRCLE_INLINE V slope(V s) const {
    const auto inactive = direction > 0 ? s <= optimum : s >= optimum;
    return inactive ? V{} : slope_scale * (s - slope_zero);
  }

  CIRCLE_INLINE double logit(float key) const {
    const double q = key, r = radius;
    return gamma * (q - r) * (q + r);
  }

  double steepest() const { return static_cast<double>(slope_scale) * (1 + absolute(slope_zero)); }
};

struct CircleLoss {
  static constexpr bool kHardest = false;
  CircleSide<-1> positive;
  CircleSide<+1> negative;

  struct Optimum {
    double optimum, target;
  };

  static CircleLoss make(double gamma, Optimum positive, Optimum negative, CircleDerivative derivative) {
    return {CircleSide<-1>::make(gamma, positive.optimum, positive.target, derivative),
            CircleSide<+1>::make(gamma, negative.optimum, negative.target, derivative)};
  }
};

}  // namespace circle
