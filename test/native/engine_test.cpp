#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "test/native/engine_case.h"

namespace circle {
namespace {

// Three blocks a side, the last of 8 rows; enough work for several threads.
constexpr Shape kUsual = {200, 230, 37, 12};

std::vector<double> nudged(const std::vector<double>& values, double size, Random& random) {
  std::vector<double> moved = values;
  for (double& value : moved) value *= 1 + (random.below(2) == 0 ? -size : size);
  return moved;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double greatest = 0;
  for (size_t i = 0; i < a.size(); ++i) greatest = std::fmax(greatest, std::fabs(a[i] - b[i]));
  return greatest;
}

double largest(const std::vector<double>& values) {
  return distance(values, std::vector<double>(values.size()));
}

std::vector<double> in_double(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

// A float32 engine is as good as its inputs: what rounding does to the result is what a change of the inputs by the
// engine's own rounding does. A coordinate is rounded 4 times on its way into a product, and a sum of dim products dim/8
// times on average where the signs are random. Four such changes are tried; twice the greatest effect allows for
// directions that were not, and 2⁻²² of its size for rounding the result. A gradient is a sum over candidates (or
// anchors), which rounds once a term.
struct Expected {
  PlainResult exact;
  double loss = 0, anchor_losses = 0, gradient = 0, candidate_gradient = 0;

  Expected(const Definition& definition, const Problem& problem, const PlainInputs& inputs)
      : exact(plain_engine(definition, problem, inputs)) {
    Random random(7);
    const double size = (4 + static_cast<double>(problem.rows.dim) / 8) * kRounding;
    for (int draw = 0; draw < 4; ++draw) {
      const PlainResult moved = plain_engine(
          definition, problem, {nudged(inputs.anchors, size, random), nudged(inputs.candidates, size, random)});
      loss = std::fmax(loss, std::fabs(moved.loss - exact.loss));
      anchor_losses = std::fmax(anchor_losses, distance(moved.anchor_losses, exact.anchor_losses));
      gradient = std::fmax(gradient, distance(moved.gradient, exact.gradient));
      candidate_gradient = std::fmax(candidate_gradient, distance(moved.candidate_gradient, exact.candidate_gradient));
    }
    gradient += kRounding * static_cast<double>(problem.rows.candidate_count) * exact.gradient_size;
    candidate_gradient += kRounding * static_cast<double>(problem.rows.anchor_count) * exact.candidate_gradient_size;
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

// One an instruction set, for all tests: they also reuse its workspace.
const std::vector<std::unique_ptr<cpu::Engine>>& engines() {
  static std::vector<std::unique_ptr<cpu::Engine>> list;
  if (list.empty())
    for (const cpu::Kernels* kernels : cpu::available_kernels())
      list.push_back(std::make_unique<cpu::Engine>(*kernels));
  return list;
}

std::string variant(size_t engine) {
  return cpu::available_kernels()[engine]->name;
}

void check_all_variants(const Definition& definition, const Problem& problem, const PlainInputs& inputs) {
  const Expected expected(definition, problem, inputs);
  for (size_t i = 0; i < engines().size(); ++i) {
    INFO(variant(i));
    Call call(problem);
    expected.check(call.run(*engines()[i], problem));
  }
}

bool exists(const Definition& definition, Scope scope) {
  return scope == Scope::kAnchor || !definition.hardest;
}

TEST_CASE("every loss, against every kind of candidates, in both scopes, is what the definition gives") {
  for (const Definition& definition : definitions())
    for (const CandidateKind kind : kKinds)
      for (const Scope scope : {Scope::kAnchor, Scope::kBatch}) {
        if (!exists(definition, scope)) continue;
        INFO(definition.name, " ", static_cast<int>(kind), " ", static_cast<int>(scope));
        const Data data(kUsual, kind);
        Problem problem = data.problem(definition);
        problem.scope = scope;
        check_all_variants(definition, problem, data.inputs());
      }
}

TEST_CASE("ragged and tiny shapes are what the definition gives") {
  const Definition definition = definitions().front();
  for (const Shape shape : {Shape{1, 1, 2, 1}, Shape{2, 3, 5, 2}, Shape{7, 5, 3, 2}, Shape{33, 97, 31, 5},
                            Shape{97, 33, 64, 5}, Shape{96, 192, 32, 5}, Shape{13, 800, 2, 5}})
    for (const CandidateKind kind : kKinds) {
      INFO(shape.anchors, " x ", shape.candidates, " of ", shape.dim, " ", static_cast<int>(kind));
      const Data data(shape, kind);
      check_all_variants(definition, data.problem(definition), data.inputs());
    }
}

TEST_CASE("reductions, upstream and rows as given are what the definition gives") {
  const Definition definition = definitions().front(), unified = definitions()[3];
  for (const CandidateKind kind : kKinds) {
    const Data data({61, 70, 9, 30}, kind);
    for (const Reduction reduction :
         {Reduction::kMean, Reduction::kMeanNonzero, Reduction::kMeanAll, Reduction::kSum}) {
      Problem problem = data.problem(definition);
      problem.reduction = reduction;
      problem.upstream = -2.5;
      check_all_variants(definition, problem, data.inputs());
    }
    Problem problem = data.problem(definition);
    problem.anchor_upstream = data.upstream.data();
    check_all_variants(definition, problem, data.inputs());
    problem = data.problem(unified);
    problem.rows.normalize = Normalize::kNo;
    check_all_variants(unified, problem, data.inputs());
  }
}

TEST_CASE("tiles of 192 rows are what the definition gives") {
  const Definition definition = definitions().front();
  for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kClasses}) {
    const Data data({800, 790, 6, 40}, kind);
    check_all_variants(definition, data.problem(definition), data.inputs());
  }
}

TEST_CASE("threads and the workspace limit change no bit") {
  struct Setting {
    int threads;
    int64_t limit;
  };
  // All tiles, none, some of them; one tile of 96 rows is 80 KB.
  const Setting settings[] = {{2, int64_t{256} << 20}, {5, int64_t{256} << 20}, {1, 0}, {5, 0},
                              {2, 200 << 10},          {5, 400 << 10}};
  for (const Definition& definition : definitions())
    for (const CandidateKind kind : kKinds)
      for (const Scope scope : {Scope::kAnchor, Scope::kBatch}) {
        if (!exists(definition, scope)) continue;
        const Data data(kUsual, kind);
        Problem problem = data.problem(definition);
        problem.scope = scope;
        for (size_t i = 0; i < engines().size(); ++i) {
          Call one(problem);
          one.run(*engines()[i], problem);
          for (const Setting& setting : settings) {
            INFO(variant(i), " ", definition.name, " ", static_cast<int>(kind), " ", setting.threads, " threads, ",
                 setting.limit, " bytes");
            Problem other = problem;
            other.rows.threads = setting.threads;
            other.rows.workspace_limit = setting.limit;
            Call call(other);
            CHECK(call.run(*engines()[i], other).same_bits_as(one));
          }
        }
      }
}

TEST_CASE("an engine that has computed other shapes computes the same bits as a new one") {
  const Definition definition = definitions().front();
  for (size_t i = 0; i < engines().size(); ++i)
    for (const int64_t anchors : {3, 300, 40, 120, 1}) {
      const Data data({anchors, 2 * anchors, 20, 5}, CandidateKind::kSet);
      const Problem problem = data.problem(definition);
      cpu::Engine fresh(*cpu::available_kernels()[i]);
      Call used(problem), first(problem);
      used.run(*engines()[i], problem);
      CHECK(used.same_bits_as(first.run(fresh, problem)));
    }
}

TEST_CASE("without the gradient, or without the candidates' gradient, the rest has the same bits") {
  for (const Definition& definition : definitions())
    for (const CandidateKind kind : kKinds) {
      const Data data({50, 60, 20, 5}, kind);
      const Problem problem = data.problem(definition);
      for (const auto& engine : engines()) {
        Call full(problem), part(problem), loss(problem);
        full.run(*engine, problem);
        part.results.candidate_gradient = nullptr;
        part.run(*engine, problem);
        CHECK(same_bits(part.gradient.values(), full.gradient.values()));
        CHECK(part.candidate_gradient.untouched());
        loss.results.gradient = loss.results.candidate_gradient = nullptr;
        loss.run(*engine, problem);
        CHECK(same_bits(loss.anchor_losses.values(), full.anchor_losses.values()));
        CHECK(loss.gradient.untouched());
        CHECK(loss.results.loss == full.results.loss);
      }
    }
}

}  // namespace
}  // namespace circle
