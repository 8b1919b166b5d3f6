// ArcFace (Deng et al., CVPR 2019): the positive's angle θ = arccos s grows by the margin m, so its logit is
// −γ cos(θ + m); negatives as in NormFace. Where θ + m > π the cosine would rise again; the linear continuation
// s − m sin m keeps it monotone (docs/math.md §7).
#pragma once

#include <cmath>

#include "native/losses/unified.h"
#include "native/math/square_root.h"

namespace circle {

struct ArcFaceSide {
  // The derivative of arccos has poles at ±1: the sine stops where s is 1e-7 away from them.
  static constexpr float kLeastSine = 4.4721359e-4f;

  float gamma;
  float cosine, sine;      // of the margin
  float threshold;         // −cos m, or below every similarity where there is no linear part
  float linear_offset;     // m sin m
  float straight_through;  // 1: ∂/∂s cos(θ + m) taken as 1

  // Rounding may push a cosine past ±1.
  template <class V>
  CIRCLE_INLINE V within(V s, float limit) const {
    s = s > limit ? constant<V>(limit) : s;
    return s < -limit ? constant<V>(-limit) : s;
  }

  template <class V>
  CIRCLE_INLINE V sine_of_angle(V s) const {
    return square_root((1 - s) * (1 + s));
  }

  template <class V>
  CIRCLE_INLINE V key(V s) const {
    s = within(s, 1.0f);
    return s < threshold ? linear_offset - s : sine * sine_of_angle(s) - cosine * s;
  }

  template <class V>
  CIRCLE_INLINE V exponent(V key, V reference) const {
    return gamma * (key - reference);
  }

  template <class V>
  CIRCLE_INLINE V slope(V s) const {
    s = within(s, 1.0f);
    const V sine_of_s = larger(constant<V>(kLeastSine), sine_of_angle(s));
    const V full = s < threshold ? constant<V>(1) : cosine + sine * s / sine_of_s;
    return straight_through > 0 ? constant<V>(-gamma) : -gamma * full;
  }

  CIRCLE_INLINE double logit(float key) const { return static_cast<double>(gamma) * key; }

  double steepest() const { return gamma * (straight_through > 0 ? 1.0 : 1.0 + sine / kLeastSine); }
};

struct ArcFaceLoss {
  static constexpr bool kHardest = false;
  ArcFaceSide positive;
  LinearSide negative;

  enum class Derivative { kStraightThrough, kExact };
  enum class BeyondPi { kLinear, kCosine };

  static ArcFaceLoss make(double gamma, double margin, Derivative derivative, BeyondPi beyond_pi) {
    const double cosine = std::cos(margin), sine = std::sin(margin);
    const float scale = static_cast<float>(gamma);
    return {{scale, static_cast<float>(cosine), static_cast<float>(sine),
             beyond_pi == BeyondPi::kLinear ? static_cast<float>(-cosine) : -2.0f, static_cast<float>(margin * sine),
             derivative == Derivative::kStraightThrough ? 1.0f : 0.0f},
            {scale, +1, 0}};
  }
};

}  // namespace circle
