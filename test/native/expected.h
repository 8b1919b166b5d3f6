// What a call has to give: the definition's result in double precision, and how far float32 may be from it.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "test/native/engine_case.h"

namespace circle {

inline std::vector<double> nudged(const std::vector<double>& values, double size, Random& random) {
  std::vector<double> moved = values;
  for (double& value : moved) value *= 1 + (random.below(2) == 0 ? -size : size);
  return moved;
}

// NaN if there is any.
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double greatest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(a[i] - b[i]);
    if (difference > greatest || difference != difference) greatest = difference;
  }
  return greatest;
}

inline double largest(const std::vector<double>& values) {
  return distance(values, std::vector<double>(values.size()));
}

inline std::vector<double> in_double(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

// A float32 engine is as good as its inputs: what rounding does to the result is what a change of the inputs by the
// engine's own rounding does. A coordinate is rounded 4 times on its way into a product, and a sum of dim products dim/8
// times on average where the signs are random. Four such changes are tried; twice the greatest effect allows for
// directions that were not, and 2⁻²² of its size for rounding the result. A gradient is a sum over candidates (or
// anchors), which rounds once a term. `coordinate_error` is what an engine adds that rounds operands of its products to
// less than float32: of coordinates, and of pair weights.
struct Expected {
  PlainResult exact;
  double loss = 0, anchor_losses = 0, gradient = 0, candidate_gradient = 0;

  Expected(const Definition& definition, const Problem& problem, const PlainInputs& inputs, double coordinate_error = 0)
      : exact(plain_engine(definition, problem, inputs)) {
    Random random(7);
    const double size = (4 + static_cast<double>(problem.rows.dim) / 8) * kRounding + coordinate_error;
    for (int draw = 0; draw < 4; ++draw) {
      const PlainResult moved = plain_engine(
          definition, problem, {nudged(inputs.anchors, size, random), nudged(inputs.candidates, size, random)});
      loss = std::fmax(loss, std::fabs(moved.loss - exact.loss));
      anchor_losses = std::fmax(anchor_losses, distance(moved.anchor_losses, exact.anchor_losses));
      gradient = std::fmax(gradient, distance(moved.gradient, exact.gradient));
      candidate_gradient = std::fmax(candidate_gradient, distance(moved.candidate_gradient, exact.candidate_gradient));
    }
    gradient +=
        (kRounding * static_cast<double>(problem.rows.candidate_count) + coordinate_error) * exact.gradient_size;
    candidate_gradient +=
        (kRounding * static_cast<double>(problem.rows.anchor_count) + coordinate_error) * exact.candidate_gradient_size;
  }

  void check(const Call& call) const {
    REQUIRE(call.outcome.ok());
    CHECK(call.guards_intact());
    CHECK(call.results.valid_anchors == exact.valid_anchors);
    CHECK(std::fabs(call.results.loss - exact.loss) <= 2 * loss + 0x1p-22 * exact.loss);
    check_array(call.anchor_losses, exact.anchor_losses, anchor_losses);
    check_array(call.gradient, exact.gradient, gradient);
    check_array(call.candidate_gradient, exact.candidate_gradient, candidate_gradient);
  }

  static void check_array(const GuardedFloats& found, const std::vector<double>& expected, double moves) {
    REQUIRE(found.size() == static_cast<int64_t>(expected.size()));
    CHECK(distance(in_double(found.values()), expected) <= 2 * moves + 0x1p-22 * largest(expected));
  }
};

}  // namespace circle
