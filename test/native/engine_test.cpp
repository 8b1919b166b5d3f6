#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "test/native/engine_case.h"
#include "test/native/expected.h"

namespace circle {
namespace {

// Three blocks a side, the last of 8 rows; enough work for several threads.
constexpr Shape kUsual = {200, 230, 37, 12};

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
                            Shape{97, 33, 64, 5}, Shape{96, 192, 32, 5}, Shape{13, 800, 2, 5}, Shape{100, 110, 600, 12},
                            Shape{96, 7, 2100, 12}, Shape{5, 3, 2049, 2}})
    for (const CandidateKind kind : kKinds) {
      INFO(shape.anchors, " x ", shape.candidates, " of ", shape.dim, " ", static_cast<int>(kind));
      const Data data(shape, kind);
      check_all_variants(definition, data.problem(definition), data.inputs());
    }
}

TEST_CASE("numbers below the smallest normal one come out as 0, and the caller's own arithmetic keeps them") {
  const Data data(kUsual, CandidateKind::kBatch);
  for (const int threads : {1, 2}) {
    Problem problem = data.problem(definitions().front());
    problem.rows.threads = threads;
    problem.upstream = 3e-35;
    for (size_t i = 0; i < engines().size(); ++i) {
      INFO(variant(i), " ", threads);
      Call call(problem);
      call.run(*engines()[i], problem);
      int zeros = 0, normal = 0;
      for (int64_t k = 0; k < call.gradient.size(); ++k) {
        const float g = std::fabs(call.gradient.data()[k]);
        zeros += g == 0;
        normal += g >= std::numeric_limits<float>::min();
      }
      CHECK(zeros + normal == call.gradient.size());
      CHECK(zeros > 0);
      CHECK(normal > 0);
      volatile float small = 1e-30f;
      small = small * 1e-12f;
      CHECK(small > 0);
    }
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
            // A new one: what the first call left in its workspace would be right for this one, too.
            cpu::Engine fresh(*cpu::available_kernels()[i]);
            Call call(other);
            CHECK(call.run(fresh, other).same_bits_as(one));
          }
        }
      }
}

TEST_CASE("threads that share the dimensions of one tile change no bit") {
  for (const Definition& definition : definitions()) {
    const Data data({61, 0, 3100, 8}, CandidateKind::kBatch);
    for (const Normalize normalize : {Normalize::kL2, Normalize::kNo}) {
      Problem problem = data.problem(definition);
      problem.rows.normalize = normalize;
      for (size_t i = 0; i < engines().size(); ++i) {
        INFO(variant(i), " ", definition.name, " ", static_cast<int>(normalize));
        Call one(problem);
        one.run(*engines()[i], problem);
        for (const int threads : {2, 5})
          for (const int64_t limit : {int64_t{256} << 20, int64_t{0}}) {
            Problem other = problem;
            other.rows.threads = threads;
            other.rows.workspace_limit = limit;
            cpu::Engine fresh(*cpu::available_kernels()[i]);
            Call call(other);
            CHECK(call.run(fresh, other).same_bits_as(one));
          }
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
