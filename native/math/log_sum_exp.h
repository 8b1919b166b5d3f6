// Log-sum-exps in pieces: (reference, Σ) stands for logit(reference) + ln Σ, where the reference is the largest key seen
// and Σ sums exponentials relative to it. Pieces merge without ever leaving the range of numbers (docs/math.md §6).
#pragma once

#include <cmath>

#include "native/math/inline.h"

namespace circle {

// Below every key; the reference of an empty sum.
constexpr float kNoKey = -3.402823466e+38f;

struct LogSum {
  float reference = kNoKey;
  double sum = 0;  // 0 exactly when empty: log-sum-exp = −∞

  CIRCLE_INLINE bool empty() const { return sum == 0; }
};

template <class Side>
CIRCLE_INLINE void merge(const Side& side, LogSum& into, float reference, double sum) {
  if (sum == 0) return;
  if (into.empty()) {
    into = {reference, sum};
    return;
  }
  if (reference > into.reference) {
    into.sum = into.sum * std::exp(side.exponent(double{into.reference}, double{reference})) + sum;
    into.reference = reference;
  } else {
    into.sum += sum * std::exp(side.exponent(double{reference}, double{into.reference}));
  }
}

template <class Side>
CIRCLE_INLINE double log_sum_exp(const Side& side, const LogSum& log_sum) {
  return log_sum.empty() ? -INFINITY : side.logit(log_sum.reference) + std::log(log_sum.sum);
}

// log(1 + eᵗ), and its derivative 1 − e^−softplus, each without cancellation at either end.
CIRCLE_INLINE double softplus(double t) {
  return t > 0 ? t + std::log1p(std::exp(-t)) : std::log1p(std::exp(t));
}
CIRCLE_INLINE double sigmoid(double t) {
  const double e = std::exp(t > 0 ? -t : t);
  return (t > 0 ? 1 : e) / (1 + e);
}

}  // namespace circle
