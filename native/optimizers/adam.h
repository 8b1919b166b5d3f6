// Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), with weight decay in the gradient as torch.optim.Adam has it:
//   g' = g + λ w      m ← β₁ m + (1 − β₁) g'      v ← β₂ v + (1 − β₂) g'²
//   w ← w − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
#pragma once

#include <cmath>

#include "native/math/square_root.h"

namespace circle {

struct Adam {
  float step_size;                 // η / (1 − β₁ᵗ)
  float root_unscale;              // 1 / √(1 − β₂ᵗ)
  float beta1, beta2, new1, new2;  // new = 1 − β, from double precision
  float epsilon, weight_decay;

  // `number` is t: 1 for the first step.
  static Adam make(double learning_rate, double beta1, double beta2, double epsilon, double weight_decay,
                   double number) {
    const auto f = [](double x) { return static_cast<float>(x); };
    return {f(learning_rate / (1 - std::pow(beta1, number))),
            f(1 / std::sqrt(1 - std::pow(beta2, number))),
            f(beta1),
            f(beta2),
            f(1 - beta1),
            f(1 - beta2),
            f(epsilon),
            f(weight_decay)};
  }

  int moments() const { return 2; }

  template <class V>
  CIRCLE_INLINE V step(V weight, V gradient, V& mean, V& square) const {
    const V decayed = gradient + weight_decay * weight;
    mean = beta1 * mean + new1 * decayed;
    square = beta2 * square + new2 * (decayed * decayed);
    return weight - step_size * mean / (square_root(square) * root_unscale + epsilon);
  }
};

}  // namespace circle
