// Calls of the engine on made-up data, for tests.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "native/core/engine.h"
#include "test/native/guarded.h"
#include "test/native/plain_engine.h"
#include "test/native/samples.h"

namespace circle {

struct Shape {
  int64_t anchors, candidates, dim;
  int classes;
};

struct Data {
  Shape shape;
  CandidateKind kind;
  std::vector<float> anchors, candidates, upstream;
  std::vector<int32_t> anchor_labels, candidate_labels;

  Data(Shape given, CandidateKind candidate_kind, uint64_t seed = 1) : shape(given), kind(candidate_kind) {
    Random random(seed + static_cast<uint64_t>(shape.anchors * 1000 + shape.dim));
    if (kind == CandidateKind::kBatch) shape.candidates = shape.anchors;
    const int labels = kind == CandidateKind::kClasses ? static_cast<int>(shape.candidates) : shape.classes;
    anchors = random.numbers(shape.anchors * shape.dim);
    anchor_labels = random.labels(shape.anchors, labels);
    if (kind != CandidateKind::kBatch) candidates = random.numbers(shape.candidates * shape.dim);
    if (kind == CandidateKind::kSet) candidate_labels = random.labels(shape.candidates, labels);
    upstream = random.numbers(shape.anchors);
  }

  // Everything by default: unit rows, one loss an anchor, their mean, one thread, tiles kept.
  Problem problem(const Definition& definition) const {
    Problem problem{};
    problem.rows = {anchors.data(),
                    shape.anchors,
                    kind == CandidateKind::kBatch ? anchors.data() : candidates.data(),
                    shape.candidates,
                    shape.dim,
                    kind,
                    Normalize::kL2,
                    FiniteCheck::kReport,
                    1,
                    int64_t{256} << 20};
    problem.anchor_labels = anchor_labels.data();
    problem.candidate_labels = candidate_labels.empty() ? nullptr : candidate_labels.data();
    problem.pair_loss = definition.loss;
    problem.scope = Scope::kAnchor;
    problem.reduction = Reduction::kMean;
    problem.upstream = 1;
    return problem;
  }

  PlainInputs inputs() const { return {{anchors.begin(), anchors.end()}, {candidates.begin(), candidates.end()}}; }
};

// The outputs of a call between guard zones.
struct Call {
  GuardedFloats anchor_losses, gradient, candidate_gradient;
  Results results;
  Outcome outcome;

  explicit Call(const Problem& problem)
      : anchor_losses(problem.scope == Scope::kBatch ? 1 : problem.rows.anchor_count),
        gradient(problem.rows.anchor_count * problem.rows.dim),
        candidate_gradient(
            problem.rows.candidate_kind == CandidateKind::kBatch ? 0 : problem.rows.candidate_count * problem.rows.dim),
        results{anchor_losses.data(), gradient.data(),
                candidate_gradient.size() > 0 ? candidate_gradient.data() : nullptr} {}

  Call& run(Engine& engine, const Problem& problem, const std::atomic<bool>* abort = nullptr) {
    outcome = engine.compute(problem, results, abort);
    return *this;
  }

  bool guards_intact() const {
    return anchor_losses.guards_intact() && gradient.guards_intact() && candidate_gradient.guards_intact();
  }
  bool untouched() const { return anchor_losses.untouched() && gradient.untouched() && candidate_gradient.untouched(); }
  bool same_bits_as(const Call& other) const {
    return results.loss == other.results.loss && results.valid_anchors == other.results.valid_anchors &&
           same_bits(anchor_losses.values(), other.anchor_losses.values()) &&
           same_bits(gradient.values(), other.gradient.values()) &&
           same_bits(candidate_gradient.values(), other.candidate_gradient.values());
  }
};

constexpr CandidateKind kKinds[] = {CandidateKind::kBatch, CandidateKind::kSet, CandidateKind::kClasses};

}  // namespace circle
