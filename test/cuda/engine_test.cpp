#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "test/cuda/cores.h"
#include "test/native/expected.h"

namespace circle::cuda {
namespace {

// Three blocks of anchors and of candidates, ragged; an odd dimension beyond one slab.
constexpr Shape kUsual = {270, 290, 37, 12};
constexpr Shape kSmall = {70, 90, 9, 8};

bool exists(const Definition& definition, Scope scope) {
  return scope == Scope::kAnchor || !definition.hardest;
}

void check(const ChosenCore& core, const Definition& definition, const Problem& given, const Data& data) {
  const Problem problem = core.of(given);
  Call call(problem);
  Expected(definition, problem, data.inputs(), core.coordinate_error).check(call.run(*core.open(), problem));
}

TEST_CASE("every loss, against every kind of candidates, in both scopes, is what the definition gives") {
  for (const ChosenCore& core : kCores)
    for (const Definition& definition : definitions())
      for (const CandidateKind kind : kKinds)
        for (const Scope scope : {Scope::kAnchor, Scope::kBatch}) {
          // A hardest pair is another one where half precision says so.
          if (!exists(definition, scope) || (definition.hardest && core.precision == Precision::kFast)) continue;
          INFO(core.name, " ", definition.name, " ", static_cast<int>(kind), " ", static_cast<int>(scope));
          const Data data(kSmall, kind);
          Problem problem = data.problem(definition);
          problem.scope = scope;
          check(core, definition, problem, data);
        }
}

TEST_CASE("panels of every size are what the definition gives") {
  const std::vector<Definition> list = definitions();
  constexpr int64_t kSomePanels = int64_t{300} << 10;
  for (const ChosenCore& core : kCores)
    for (const Definition& definition : {list.front(), list.back()})
      for (const CandidateKind kind : kKinds)
        // One row of tiles a panel; two in some panels; all of them.
        for (const int64_t limit : {int64_t{0}, kSomePanels, int64_t{64} << 20}) {
          // An emulated GPU takes its time: kFast has the panels of kExact, and hardest pairs are looked for in some.
          if (core.precision == Precision::kFast && limit != 0) continue;
          if (definition.hardest && (core.precision == Precision::kFast || limit != kSomePanels)) continue;
          INFO(core.name, " ", definition.name, " ", static_cast<int>(kind), " ", limit, " bytes");
          const Data data(kUsual, kind);
          Problem problem = data.problem(definition);
          problem.rows.workspace_limit = limit;
          check(core, definition, problem, data);
        }
}

TEST_CASE("splits are what the definition gives") {
  const Definition definition = definitions().front();
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : kKinds) {
      INFO(core.name, " ", static_cast<int>(kind));
      const Data data({300, 520, 5, 30}, kind);
      check(core, definition, data.problem(definition), data);
    }
}

TEST_CASE("ragged and tiny shapes are what the definition gives") {
  const Definition definition = definitions().front();
  for (const ChosenCore& core : kCores)
    for (const Shape shape : {Shape{1, 1, 2, 1}, Shape{2, 3, 5, 2}, Shape{7, 5, 3, 2}, Shape{129, 97, 31, 5},
                              Shape{97, 128, 64, 5}, Shape{5, 257, 130, 5}})
      for (const CandidateKind kind : kKinds) {
        INFO(core.name, " ", shape.anchors, " x ", shape.candidates, " of ", shape.dim, " ", static_cast<int>(kind));
        const Data data(shape, kind);
        check(core, definition, data.problem(definition), data);
      }
}

TEST_CASE("reductions, upstream and rows as given are what the definition gives") {
  const Definition definition = definitions().front(), unified = definitions()[3];
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : kKinds) {
      INFO(core.name, " ", static_cast<int>(kind));
      const Data data({61, 70, 9, 30}, kind);
      for (const Reduction reduction :
           {Reduction::kMean, Reduction::kMeanNonzero, Reduction::kMeanAll, Reduction::kSum}) {
        Problem problem = data.problem(definition);
        problem.reduction = reduction;
        problem.upstream = -2.5;
        check(core, definition, problem, data);
      }
      Problem problem = data.problem(definition);
      problem.anchor_upstream = data.upstream.data();
      check(core, definition, problem, data);
      problem = data.problem(unified);
      problem.rows.normalize = Normalize::kNo;
      check(core, unified, problem, data);
    }
}

TEST_CASE("an engine that has computed other shapes computes the same bits as a new one") {
  const Definition definition = definitions().front();
  for (const ChosenCore& core : kCores) {
    const auto engine = core.open();
    for (const int64_t anchors : {3, 200, 40, 120, 1}) {
      const Data data({anchors, 2 * anchors, 20, 5}, CandidateKind::kSet);
      const Problem problem = core.of(data.problem(definition));
      Call used(problem), first(problem);
      used.run(*engine, problem);
      CHECK(used.outcome.ok());
      CHECK(used.same_bits_as(first.run(*core.open(), problem)));
    }
  }
}

TEST_CASE("without the gradient, or without the candidates' gradient, the rest has the same bits") {
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : kKinds)
      for (const int64_t limit : {int64_t{0}, int64_t{64} << 20}) {
        if (core.precision == Precision::kFast && limit != 0) continue;  // the panels of kExact
        const Data data(kUsual, kind);
        Problem problem = core.of(data.problem(definitions().front()));
        problem.rows.workspace_limit = limit;
        const auto engine = core.open();
        Call full(problem), part(problem), others(problem), loss(problem);
        full.run(*engine, problem);
        part.results.candidate_gradient = nullptr;
        part.run(*engine, problem);
        CHECK(same_bits(part.gradient.values(), full.gradient.values()));
        CHECK(part.candidate_gradient.untouched());
        if (kind != CandidateKind::kBatch) {
          others.results.gradient = nullptr;
          others.run(*engine, problem);
          CHECK(same_bits(others.candidate_gradient.values(), full.candidate_gradient.values()));
          CHECK(others.gradient.untouched());
        }
        loss.results.gradient = loss.results.candidate_gradient = nullptr;
        loss.run(*engine, problem);
        CHECK(same_bits(loss.anchor_losses.values(), full.anchor_losses.values()));
        CHECK(loss.gradient.untouched());
        CHECK(loss.results.loss == full.results.loss);
      }
}

TEST_CASE("candidates that are on the device give the same bits as others") {
  for (const ChosenCore& core : kCores) {
    const Data data(kUsual, CandidateKind::kSet);
    const Problem problem = core.of(data.problem(definitions().front()));
    const auto engine = core.open();
    Call expected(problem), resident(problem);
    expected.run(*engine, problem);
    std::unique_ptr<DeviceRows> rows;
    REQUIRE(DeviceRows::create(0, data.shape.candidates, data.shape.dim, rows).ok());
    REQUIRE(rows->write(data.candidates.data(), 0, 100).ok());
    REQUIRE(rows->write(data.candidates.data() + 100 * data.shape.dim, 100, data.shape.candidates - 100).ok());
    Problem on_device = problem;
    on_device.rows.candidates = rows->data();
    on_device.rows.candidates_place = Place::kDevice;
    CHECK(resident.run(*engine, on_device).same_bits_as(expected));
  }
}

// Copies of these are not waited for one by one, so that they show where an order is missing.
TEST_CASE("pinned arrays give the same bits as others, with many panels in flight") {
  for (const CandidateKind kind : kKinds) {
    const Data data({300, 900, 37, 12}, kind);
    Problem problem = data.problem(definitions().front());
    problem.rows.workspace_limit = 0;
    const auto engine = open_engine(Units::kTensor, 0);
    Call expected(problem), pinned(problem);
    expected.run(*engine, problem);

    const int64_t anchors = data.shape.anchors * data.shape.dim, candidates = expected.candidate_gradient.size();
    float* const memory = allocate_pinned(2 * (anchors + candidates));
    REQUIRE(memory != nullptr);
    std::copy(data.anchors.begin(), data.anchors.end(), memory);
    std::copy(data.candidates.begin(), data.candidates.end(), memory + anchors);
    float* const gradient = memory + anchors + candidates;
    problem.rows.anchors = memory;
    problem.rows.candidates = kind == CandidateKind::kBatch ? memory : memory + anchors;
    pinned.results.gradient = gradient;
    if (kind != CandidateKind::kBatch) pinned.results.candidate_gradient = gradient + anchors;
    CHECK(pinned.run(*engine, problem).outcome.ok());
    CHECK(same_bits({gradient, gradient + anchors}, expected.gradient.values()));
    CHECK(same_bits({gradient + anchors, gradient + anchors + candidates}, expected.candidate_gradient.values()));
    free_pinned(memory);
  }
}

}  // namespace
}  // namespace circle::cuda
