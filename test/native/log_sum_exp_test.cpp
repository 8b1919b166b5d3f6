#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "native/losses/pair_loss.h"
#include "native/math/log_sum_exp.h"
#include "test/native/samples.h"

namespace circle {
namespace {

constexpr double kDoubleRounding = 0x1p-53;

struct Piece {
  float reference;
  double sum;
};

std::vector<Piece> pieces(Random& random, int count) {
  std::vector<Piece> list;
  for (int i = 0; i < count; ++i)
    list.push_back({std::fabs(2 * random.number()), random.below(4) == 0 ? 0 : 1 + 100 * std::fabs(random.number())});
  return list;
}

template <class Side>
LogSum folded(const Side& side, const std::vector<Piece>& list, size_t begin, size_t end) {
  LogSum into;
  for (size_t i = begin; i < end; ++i) merge(side, into, list[i].reference, list[i].sum);
  return into;
}

// A merge rounds an exponent E (4 roundings: |E|e^−|E| ≤ 1/e makes that 1.5 of its power), a power (2), a product
// and a sum: 5.5 roundings of the total. Two orders of n pieces make at most n merges each.
double bound(size_t count) {
  return 2 * 5.5 * static_cast<double>(count) * kDoubleRounding;
}

template <class Side>
void check_associative(const Side& side) {
  Random random(1);
  double worst = 0;  // error of a sum, as a part of its bound
  for (int round = 0; round < 500; ++round) {
    const std::vector<Piece> list = pieces(random, 2 + random.below(6));
    const LogSum in_order = folded(side, list, 0, list.size());
    const auto compare = [&](const LogSum& found) {
      CHECK(found.reference == in_order.reference);
      const double error = std::fabs(found.sum - in_order.sum) / (bound(list.size()) * in_order.sum);
      if (!in_order.empty() && !(error <= worst)) worst = error;
    };
    for (size_t cut = 0; cut <= list.size(); ++cut) {
      LogSum halves = folded(side, list, 0, cut);
      const LogSum rest = folded(side, list, cut, list.size());
      merge(side, halves, rest.reference, rest.sum);
      compare(halves);
    }
    compare(folded(side, {list.rbegin(), list.rend()}, 0, list.size()));
  }
  CHECK(worst <= 1);
}

TEST_CASE("log-sum-exps merge in any grouping and any order") {
  check_associative(LinearSide{0.001f, +1, 0});
  check_associative(LinearSide{20, -1, 0.3f});
  check_associative(CircleSide<+1>::make(4096, -0.25, 0.25, CircleDerivative::kDetached));
}

TEST_CASE("a merged log-sum-exp is that of all logits together") {
  const auto side = CircleSide<-1>::make(80, 1.4, 0.6, CircleDerivative::kDetached);
  Random random(2);
  LogSum merged;
  long double direct = 0;
  for (int i = 0; i < 100; ++i) {
    const float key = side.key(random.number());
    merge(side, merged, key, 1);
    direct += std::exp(static_cast<long double>(side.logit(key)));  // at most e^(80 · 4), which a double holds
  }
  // Logits up to 320, whose rounding their exponential multiplies.
  const double expected = static_cast<double>(std::log(direct));
  CHECK(std::fabs(log_sum_exp(side, merged) - expected) <= (2 * 320 + bound(100) / kDoubleRounding) * kDoubleRounding);
}

TEST_CASE("the log-sum-exp of nothing is −∞, and merging it changes nothing") {
  const LinearSide side{64, +1, 0.35f};
  LogSum empty;
  CHECK(log_sum_exp(side, empty) == -INFINITY);
  merge(side, empty, 0.5f, 0);
  CHECK(empty.empty());
  LogSum some;
  merge(side, some, 0.25f, 3);
  const LogSum before = some;
  merge(side, some, 1.0f, 0);
  CHECK(some.reference == before.reference);
  CHECK(some.sum == before.sum);
}

TEST_CASE("NaN stays in a log-sum-exp, wherever it comes") {
  const LinearSide side{64, +1, 0};
  for (int at = 0; at < 3; ++at) {
    LogSum sum;
    for (int i = 0; i < 3; ++i) merge(side, sum, 0.5f, i == at ? NAN : 2.0);
    CHECK(std::isnan(log_sum_exp(side, sum)));
    LogSum reference;
    for (int i = 0; i < 3; ++i) merge(side, reference, i == at ? NAN : 0.5f, 2.0);
    CHECK(std::isnan(log_sum_exp(side, reference)));
  }
}

TEST_CASE("softplus and its derivative keep their digits at both ends") {
  CHECK(softplus(-INFINITY) == 0);
  CHECK(sigmoid(-INFINITY) == 0);
  CHECK(softplus(0) == doctest::Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(sigmoid(0) == 0.5);
  // log(1 + e) = e − e²/2 …, and e² is below the last digit of e from −37 down.
  for (const double t : {-37.0, -100.0, -700.0}) {
    CHECK(softplus(t) == doctest::Approx(std::exp(t)).epsilon(4 * kDoubleRounding));
    CHECK(sigmoid(t) == doctest::Approx(std::exp(t)).epsilon(4 * kDoubleRounding));
  }
  for (const double t : {37.0, 1000.0, 65536.0}) {
    CHECK(softplus(t) == t);
    CHECK(sigmoid(t) == 1);
  }
  CHECK(std::isnan(softplus(NAN)));
  CHECK(std::isnan(sigmoid(NAN)));
  for (double t = -30; t <= 30; t += 0.25) {
    // Central differences: h²/6 times the third derivative, which is below a quarter of the first, and rounding / h.
    const double h = 1e-5, slope = (softplus(t + h) - softplus(t - h)) / (2 * h);
    CHECK(std::fabs(sigmoid(t) - slope) <= h * h * sigmoid(t) + 2 * kDoubleRounding * softplus(t + h) / h);
    // 1 − e^−x: half a rounding of x moves it by as much.
    CHECK(std::fabs(sigmoid(t) - -std::expm1(-softplus(t))) <= 8 * kDoubleRounding * std::fmax(sigmoid(t), 0));
  }
}

}  // namespace
}  // namespace circle
