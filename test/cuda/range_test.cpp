// Pair weights become halves: whatever their size is, their digits stay.
#include <doctest/doctest.h>

#include "test/cuda/cores.h"
#include "test/native/expected.h"

namespace circle::cuda {
namespace {

constexpr Shape kShape = {40, 50, 20, 8};

TEST_CASE("an upstream of any size leaves the gradient its digits") {
  for (const ChosenCore& core : kCores)
    for (const Definition& definition : definitions())
      for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kClasses})
        for (const float upstream : {1e-30f, -1e-12f, 1e12f, 1e34f}) {
          if (definition.hardest && core.precision == Precision::kFast) continue;
          INFO(core.name, " ", definition.name, " ", static_cast<int>(kind), " ", upstream);
          const Data data(kShape, kind);
          Problem problem = core.of(data.problem(definition));
          const std::vector<float> each(kShape.anchors, upstream);
          problem.anchor_upstream = each.data();
          Call call(problem);
          Expected(definition, problem, data.inputs(), core.coordinate_error).check(call.run(*core.open(), problem));
        }
}

TEST_CASE("anchors a billion times lighter than the heaviest keep most of their digits") {
  const Definition definition = definitions().front();
  for (const CandidateKind kind : {CandidateKind::kSet, CandidateKind::kClasses}) {
    INFO(static_cast<int>(kind));
    const Data data(kShape, kind);
    Problem problem = data.problem(definition);
    std::vector<float> upstream(kShape.anchors, 1);
    upstream[3] = 1e9f;
    problem.anchor_upstream = upstream.data();
    Call found(problem), judge(problem);
    found.run(*open_engine(Units::kTensor, 0), problem);
    judge.run(*open_engine(Units::kFfma, 0), problem);
    // Each anchor's own gradient against its own size.
    for (int64_t row = 0; row < kShape.anchors; ++row) {
      double worst = 0, largest = 0;
      for (int64_t d = row * kShape.dim; d < (row + 1) * kShape.dim; ++d) {
        worst = std::fmax(worst, std::fabs(found.gradient[d] - judge.gradient[d]));
        largest = std::fmax(largest, std::fabs(judge.gradient[d]));
      }
      INFO(row);
      // Of 22 bits some are lost; those of a similarity's rounding, γ · 2⁻²³ and more, are gone on either core.
      CHECK(worst <= 0x1p-11 * largest);
    }
  }
}

}  // namespace
}  // namespace circle::cuda
