// The unified loss (Eq. 1): logits −γ s for positives, γ (s + m) for negatives. With class weights it is AM-Softmax
// (CosFace), with m = 0 NormFace, with γ = 1 and rows as given softmax cross-entropy.
#pragma once

#include "native/math/inline.h"

namespace circle {

struct LinearSide {
  float gamma;
  float direction;  // −1 positives, +1 negatives
  float margin;     // added to the key inside the logit

  template <class V>
  CIRCLE_INLINE V key(V s) const {
    return direction * s;
  }

  template <class V>
  CIRCLE_INLINE V exponent(V key, V reference) const {
    return gamma * (key - reference);
  }

  template <class V>
  CIRCLE_INLINE V slope(V) const {
    return constant<V>(gamma * direction);
  }

  CIRCLE_INLINE double logit(float key) const { return gamma * (static_cast<double>(key) + margin); }

  double steepest() const { return gamma; }
};

struct UnifiedLoss {
  static constexpr bool kHardest = false;
  LinearSide positive, negative;

  static UnifiedLoss make(double gamma, double margin) {
    const float scale = static_cast<float>(gamma);
    return {{scale, -1, 0}, {scale, +1, static_cast<float>(margin)}};
  }
};

}  // namespace circle
