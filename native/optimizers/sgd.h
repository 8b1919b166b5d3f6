// Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD computes it (dampening 0):
//   v ← μ v + (g + λ w)      w ← w − η v
#pragma once

#include "native/math/inline.h"

namespace circle {

struct Sgd {
  float learning_rate, momentum, weight_decay;

  static Sgd make(double learning_rate, double momentum, double weight_decay) {
    return {static_cast<float>(learning_rate), static_cast<float>(momentum), static_cast<float>(weight_decay)};
  }

  // How many numbers it keeps for each parameter from step to step.
  int moments() const { return momentum != 0 ? 1 : 0; }

  // The parameter after the step; the moments, zero before the first step, are updated too.
  template <class V>
  CIRCLE_INLINE V step(V weight, V gradient, V& velocity, V& /*unused*/) const {
    velocity = momentum * velocity + (gradient + weight_decay * weight);
    return weight - learning_rate * velocity;
  }
};

}  // namespace circle
