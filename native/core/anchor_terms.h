// From an anchor's statistics to its loss, and to the two numbers a side that its pairs' weights need: the step between
// the forward pass and the gradient, in double precision, a few operations an anchor.
#pragma once

#include <cstdint>

#include "native/core/problem.h"
#include "native/math/log_sum_exp.h"

namespace circle {

enum Side : int { kPositive, kNegative };

// What the forward pass knows of an anchor: two log-sum-exps, or (triplet) the hardest pair of each side, whose key is
// then the reference.
struct AnchorStatistics {
  LogSum side[2];
  int32_t hardest[2] = {-1, -1};
};

// What the gradient needs: a pair of this anchor with key q has the weight coefficient · e^(logit(q) −
// logit(reference)) · slope. An anchor that has no say has the coefficient 0 and a reference above every key, so that
// its exponentials are 0 too: 0 · ∞ would be NaN.
struct PairTerm {
  float reference = -kNoKey;
  float coefficient = 0;
};

struct AnchorTerms {
  PairTerm side[2];
};

struct AnchorLoss {
  double loss = 0;
  double derivative = 0;  // ∂loss/∂(LSE_p + LSE_n)
  bool valid = false;     // has a positive and a negative
};

// `pair_multiplicity`: how often the sums count each pair; 2 where all ordered pairs were summed for a batch-wide loss
// over unordered ones.
template <class Loss>
CIRCLE_INLINE AnchorLoss anchor_loss(const Loss& loss, const AnchorStatistics& statistics, int pair_multiplicity) {
  if (statistics.side[kPositive].empty() || statistics.side[kNegative].empty()) return {};
  if constexpr (Loss::kHardest) {
    const double t = loss.positive.logit(statistics.side[kPositive].reference) +
                     loss.negative.logit(statistics.side[kNegative].reference);
    if (t != t) return {t, t, true};  // NaN comes out of the gradient too
    return {t > 0 ? t : 0, t > 0 ? 1.0 : 0.0, true};
  } else {
    const double t = log_sum_exp(loss.positive, statistics.side[kPositive]) +
                     log_sum_exp(loss.negative, statistics.side[kNegative]) - 2 * std::log(pair_multiplicity);
    return {softplus(t), sigmoid(t), true};
  }
}

// `factor` is ∂final/∂(this anchor's loss).
CIRCLE_INLINE AnchorTerms anchor_terms(const AnchorStatistics& statistics, const AnchorLoss& loss, double factor) {
  AnchorTerms terms;
  if (!loss.valid) return terms;
  for (int side : {kPositive, kNegative}) {
    const LogSum& log_sum = statistics.side[side];
    terms.side[side] = {log_sum.reference, static_cast<float>(factor * loss.derivative / log_sum.sum)};
  }
  return terms;
}

// The number that the sum of losses is divided by; 0 where there is nothing to average.
CIRCLE_INLINE double divisor(Reduction reduction, int64_t valid, int64_t nonzero, int64_t all) {
  switch (reduction) {
    case Reduction::kMean:
      return static_cast<double>(valid);
    case Reduction::kMeanNonzero:
      return static_cast<double>(nonzero);
    case Reduction::kMeanAll:
      return static_cast<double>(all);
    case Reduction::kSum:
      break;
  }
  return 1;
}

}  // namespace circle
