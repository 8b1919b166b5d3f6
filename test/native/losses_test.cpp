#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "native/losses/pair_loss.h"
#include "test/native/samples.h"

namespace circle {
namespace {

// Similarities of unit rows, and a little beyond, where rounding may carry them.
std::vector<float> similarities() {
  std::vector<float> grid;
  for (int i = -1040; i <= 1040; ++i) grid.push_back(static_cast<float>(i) / 1031);
  return grid;
}

struct CircleParameters {
  double gamma, optimum, target;
};

// The paper's two settings, a clamp region inside [−1, 1], optimum and target the other way round, extreme scales.
const std::vector<CircleParameters> kPositives = {{80, 1.4, 0.6}, {256, 1.25, 0.75}, {64, 0.9, 1.1},
                                                  {40, 0.3, 0.7}, {4096, 1.4, 0.6},  {0.001, 1.4, 0.6}};
const std::vector<CircleParameters> kNegatives = {{80, -0.4, 0.4}, {256, -0.25, 0.25}, {64, 0.1, -0.1},
                                                  {40, 0.3, -0.2}, {4096, -0.4, 0.4},  {0.001, -0.4, 0.4}};

// Errors of a key, of the radius, and through ∂l/∂q = 2γq of a logit, when c, O and r are rounded once each and the
// subtractions once more; 1.01 for the products of errors.
struct CircleBounds {
  double gamma, key, logit;

  CircleBounds(const CircleParameters& p, double q) : gamma(p.gamma) {
    const double c = (p.optimum + p.target) / 2, r = std::fabs(p.optimum - c);
    key = kRounding * (std::fabs(c) + std::fabs(p.optimum) + q);
    logit = 1.01 * gamma * 2 * (q * key + r * kRounding * (std::fabs(p.optimum) + std::fabs(c) + r));
  }
};

template <int direction>
void check_circle(const CircleParameters& p) {
  const auto detached = CircleSide<direction>::make(p.gamma, p.optimum, p.target, CircleDerivative::kDetached);
  const auto full = CircleSide<direction>::make(p.gamma, p.optimum, p.target, CircleDerivative::kFull);
  const double c = (p.optimum + p.target) / 2, clamped = std::fabs(p.optimum - c);
  const auto exact_key = [&](double s) { return direction * (s - p.optimum) > 0 ? std::fabs(s - c) : clamped; };
  const auto logit = [&](double s) {
    return direction * (s - p.optimum) > 0 ? p.gamma * (s - p.optimum) * (s - p.target) : 0;
  };
  double previous = 0.123;
  for (const float s : similarities()) {
    // Where the optimum rounds to the other side of s, either case is right.
    if (std::fabs(s - p.optimum) <= 2 * kRounding * std::fabs(p.optimum)) continue;
    const bool active = direction * (s - p.optimum) > 0;
    const double q = exact_key(s), l = logit(s), error = CircleBounds(p, q).logit + kRounding * std::fabs(l);
    CHECK(std::fabs(detached.key(s) - q) <= CircleBounds(p, q).key);
    CHECK(std::fabs(detached.logit(detached.key(s)) - l) <= error);
    if (!active) CHECK(detached.logit(detached.key(s)) == 0);

    // Two subtractions, two products and γ round once each.
    const float key = detached.key(s), other = detached.key(static_cast<float>(previous));
    const double difference = l - logit(static_cast<float>(previous));
    const double of_other = CircleBounds(p, exact_key(static_cast<float>(previous))).logit;
    CHECK(std::fabs(detached.exponent(key, other) - difference) <=
          CircleBounds(p, q).logit + of_other + 5 * kRounding * std::fabs(difference));
    previous = s;

    const double slope = active ? p.gamma * (s - p.optimum) : 0, full_slope = active ? 2 * p.gamma * (s - c) : 0;
    CHECK(std::fabs(detached.slope(s) - slope) <= kRounding * (p.gamma * std::fabs(p.optimum) + 3 * std::fabs(slope)));
    CHECK(std::fabs(full.slope(s) - full_slope) <=
          kRounding * (2 * p.gamma * std::fabs(c) + 3 * std::fabs(full_slope)));
  }
}

// ∂logit/∂s of the very code, in double: a central difference over 2h of logits whose third derivative is at most
// `third` times γ, and which are rounded to 2⁻⁵³ of numbers below 16γ.
template <class Side>
void check_derivative(const Side& side, double s, double third) {
  const double h = 0x1p-13, gamma = side.gamma;
  const double difference = side.exponent(side.template key<double>(s + h), side.template key<double>(s - h)) / (2 * h);
  CHECK(std::fabs(side.template slope<double>(s) - difference) <= gamma * (third * h * h / 6 + 16 * 0x1p-53 / h));
}

TEST_CASE("Circle loss: keys, logits, exponents and slopes are those of the formulas") {
  for (const CircleParameters& p : kPositives) check_circle<-1>(p);
  for (const CircleParameters& p : kNegatives) check_circle<+1>(p);
}

TEST_CASE("Circle loss: the differentiated slope is the derivative of the logit") {
  for (size_t i = 0; i < kPositives.size(); ++i) {
    const CircleParameters &p = kPositives[i], &n = kNegatives[i];
    const auto positive = CircleSide<-1>::make(p.gamma, p.optimum, p.target, CircleDerivative::kFull);
    const auto negative = CircleSide<+1>::make(n.gamma, n.optimum, n.target, CircleDerivative::kFull);
    for (double s = -0.995; s < 1; s += 0.01) {
      // At the optimum the logit has a corner.
      if (std::fabs(s - p.optimum) > 1e-3) check_derivative(positive, s, 0);
      if (std::fabs(s - n.optimum) > 1e-3) check_derivative(negative, s, 0);
    }
  }
}

TEST_CASE("unified and triplet: logits are ∓γs and γ(s + m)") {
  for (const double margin : {0.35, 0.0, -0.2}) {
    const UnifiedLoss unified = UnifiedLoss::make(64, margin);
    const TripletLoss triplet = TripletLoss::make(margin);
    for (const float s : similarities()) {
      CHECK(unified.positive.logit(unified.positive.key(s)) == -64.0 * s);
      CHECK(unified.negative.logit(unified.negative.key(s)) == 64 * (double{s} + static_cast<float>(margin)));
      CHECK(triplet.positive.logit(triplet.positive.key(s)) == -double{s});
      CHECK(triplet.negative.logit(triplet.negative.key(s)) == double{s} + static_cast<float>(margin));
      CHECK(unified.positive.exponent(0.5f, s) == 64 * (0.5f - s));
    }
    CHECK(unified.positive.slope(0.3f) == -64);
    CHECK(unified.negative.slope(0.3f) == 64);
    check_derivative(unified.positive, 0.3, 0);
    check_derivative(unified.negative, 0.3, 0);
  }
}

TEST_CASE("ArcFace: the positive's logit is −γ cos(θ + m), linear beyond π where asked") {
  using Loss = ArcFaceLoss;
  for (const double m : {0.5, 0.2, 1.2, 0.0}) {
    const auto linear = Loss::make(64, m, Loss::Derivative::kExact, Loss::BeyondPi::kLinear).positive;
    const auto cosine = Loss::make(64, m, Loss::Derivative::kExact, Loss::BeyondPi::kCosine).positive;
    const auto through = Loss::make(64, m, Loss::Derivative::kStraightThrough, Loss::BeyondPi::kLinear).positive;
    for (const float given : similarities()) {
      const double s = std::clamp(double{given}, -1.0, 1.0), sine = std::sqrt((1 - s) * (1 + s));
      const double phi = std::cos(m) * s - std::sin(m) * sine;
      // cos m, sin m and m sin m are rounded once, the root and its two factors twice, the products and the sum once.
      const double error = 6 * kRounding * (std::fabs(s) + std::fabs(std::sin(m)));
      CHECK(std::fabs(cosine.key(given) + phi) <= error);
      if (std::fabs(s + std::cos(m)) > 1e-6) {
        const bool beyond = s < -std::cos(m);
        CHECK(std::fabs(linear.key(given) + (beyond ? s - m * std::sin(m) : phi)) <= error + kRounding * m);
      }
      CHECK(through.slope(given) == -64);
    }
    // √(1 − s²)''' = −3s (1 − s²)^−2.5, below 172 up to 0.9.
    for (double s = -0.9; s <= 0.9; s += 0.01) {
      check_derivative(cosine, s, 172);
      if (std::fabs(s + std::cos(m)) > 1e-3) check_derivative(linear, s, 172);
    }
  }
}

TEST_CASE("ArcFace: slopes stay finite at ±1") {
  const auto side =
      ArcFaceLoss::make(64, 0.5, ArcFaceLoss::Derivative::kExact, ArcFaceLoss::BeyondPi::kCosine).positive;
  for (const float s : {1.0f, -1.0f, 1.0000002f, -1.0000002f}) {
    CHECK(std::isfinite(side.slope(s)));
    CHECK(side.slope(s) == side.slope(s > 0 ? 1.0f : -1.0f));
    CHECK(side.key(s) == side.key(s > 0 ? 1.0f : -1.0f));
  }
}

template <class Loss>
void check_nan(const Loss& loss, bool in_slope) {
  CHECK(std::isnan(loss.positive.key(NAN)));
  CHECK(std::isnan(loss.negative.key(NAN)));
  if (in_slope) CHECK(std::isnan(loss.positive.slope(NAN)));
}

TEST_CASE("NaN is a NaN key of every side: it comes out of the loss") {
  for (const auto derivative : {CircleDerivative::kDetached, CircleDerivative::kFull})
    check_nan(CircleLoss::make(80, {1.4, 0.6}, {-0.4, 0.4}, derivative), true);
  check_nan(UnifiedLoss::make(64, 0.35), false);
  check_nan(ArcFaceLoss::make(64, 0.5, ArcFaceLoss::Derivative::kExact, ArcFaceLoss::BeyondPi::kLinear), true);
  check_nan(TripletLoss::make(0.2), false);
}

}  // namespace
}  // namespace circle
