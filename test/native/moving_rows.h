// Candidates that a call moves, with their moments, on the host: for tests of engines that do so.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "test/native/engine_case.h"

namespace circle {

enum class Taken { kAll, kSome };
constexpr Taken kTaken[] = {Taken::kAll, Taken::kSome};

// Neither the first row nor the last, and not in one piece.
inline std::vector<int32_t> chosen_rows(int64_t rows) {
  std::vector<int32_t> chosen;
  for (int32_t row = 1; row < rows - 1; ++row)
    if (row % 5 != 2) chosen.push_back(row);
  return chosen;
}

// A call on all rows of the data or on some of them. Labels of the anchors are classes that are there.
struct TakenProblem {
  std::vector<int32_t> rows, anchor_labels, candidate_labels;
  Problem problem;

  TakenProblem(const Data& data, const Definition& definition, Taken taken)
      : anchor_labels(data.anchor_labels), candidate_labels(data.candidate_labels), problem(data.problem(definition)) {
    if (taken == Taken::kAll) return;
    rows = chosen_rows(data.shape.candidates);
    const auto count = static_cast<int64_t>(rows.size());
    if (data.kind == CandidateKind::kClasses)
      for (int32_t& label : anchor_labels) label = rows[static_cast<size_t>(label) % rows.size()];
    else
      candidate_labels.resize(rows.size());
    problem.rows.candidate_rows = rows.data();
    problem.rows.candidate_count = count;
    problem.anchor_labels = anchor_labels.data();
    if (data.kind == CandidateKind::kSet) problem.candidate_labels = candidate_labels.data();
  }
  TakenProblem(const TakenProblem&) = delete;
  TakenProblem& operator=(const TakenProblem&) = delete;
};

// Stochastic gradient descent whose velocity and step tell the gradient: v = v₀ / 2 + g, w = w₀ − v.
inline Optimizer telling_optimizer() {
  return Sgd::make(1, 0.5, 0);
}

// A call that moves rows of its own, between guard zones.
struct MovingCall {
  GuardedFloats rows, velocity;
  CandidateUpdate update;
  Call call;

  MovingCall(const Problem& given, const Data& data, const std::vector<float>& velocity_before)
      : rows(static_cast<int64_t>(data.candidates.size())),
        velocity(static_cast<int64_t>(data.candidates.size())),
        update{telling_optimizer(), rows.data(), velocity.data(), nullptr},
        call(given),
        problem_(given) {
    std::copy(data.candidates.begin(), data.candidates.end(), rows.data());
    std::copy(velocity_before.begin(), velocity_before.end(), velocity.data());
    problem_.rows.candidates = rows.data();
    call.results.candidate_gradient = nullptr;
    call.results.update = &update;
  }

  void run(Engine& engine, const std::atomic<bool>* abort = nullptr) {
    call.run(engine, problem_, abort);
    CHECK(rows.guards_intact());
    CHECK(velocity.guards_intact());
    CHECK(call.guards_intact());
  }

 private:
  Problem problem_;
};

// That every row taken moved by its gradient, as another call computed it, and no other row by a bit. Each of v and w is
// rounded twice.
inline void check_moved(const Problem& problem, const float* gradient, const std::vector<float>& rows_before,
                        const std::vector<float>& velocity_before, const std::vector<float>& rows,
                        const std::vector<float>& velocity) {
  const int64_t dim = problem.rows.dim, all = static_cast<int64_t>(rows.size()) / dim;
  std::vector<bool> taken(static_cast<size_t>(all), false);
  for (int64_t i = 0; i < problem.rows.candidate_count; ++i) {
    const int64_t row = problem.rows.candidate_row(i);
    taken[static_cast<size_t>(row)] = true;
    for (int64_t d = 0; d < dim; ++d) {
      const auto k = static_cast<size_t>(row * dim + d);
      const double v = 0.5 * velocity_before[k] + gradient[i * dim + d];
      const double v_bound = 0x1p-23 * (std::fabs(0.5 * velocity_before[k]) + std::fabs(gradient[i * dim + d]));
      CHECK(std::fabs(velocity[k] - v) <= v_bound);
      CHECK(std::fabs(rows[k] - (rows_before[k] - v)) <=
            v_bound + 0x1p-23 * (std::fabs(rows_before[k]) + std::fabs(v)));
    }
  }
  for (size_t k = 0; k < rows.size(); ++k)
    if (!taken[k / static_cast<size_t>(dim)]) {
      CHECK(rows[k] == rows_before[k]);
      CHECK(velocity[k] == velocity_before[k]);
    }
}

}  // namespace circle
