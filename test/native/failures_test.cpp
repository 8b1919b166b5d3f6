#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <thread>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "test/native/allocations.h"
#include "test/native/moving_rows.h"
#include "test/native/search_case.h"

namespace circle {
namespace {

constexpr Shape kUsual = {200, 230, 37, 12};

template <class Check>
void for_each_case(const Check& check) {
  const std::vector<Definition> list = definitions();
  for (const cpu::Kernels* kernels : cpu::available_kernels())
    for (const Definition& definition : {list.front(), list.back()})
      for (const CandidateKind kind : kKinds) {
        INFO(std::string(kernels->name), " ", definition.name, " ", static_cast<int>(kind));
        Data data(kUsual, kind);
        check(*kernels, data, data.problem(definition));
      }
}

TEST_CASE("a row that is not finite is named, the first of several, and no output is touched") {
  for_each_case([](const cpu::Kernels& kernels, Data& data, Problem problem) {
    cpu::Engine engine(kernels);
    problem.rows.threads = 3;
    for (const bool in_candidates : {false, true}) {
      std::vector<float>& rows = in_candidates ? data.candidates : data.anchors;
      if (rows.empty()) continue;
      for (const float bad : {NAN, INFINITY, -INFINITY}) {
        const std::vector<float> before = rows;
        for (const int64_t row : {197, 150, 131}) rows[row * data.shape.dim + row % 37] = bad;
        Call call(problem);
        call.run(engine, problem);
        CHECK(call.outcome.status == Status::kNotFinite);
        CHECK(call.outcome.array == (in_candidates ? InputArray::kCandidates : InputArray::kAnchors));
        CHECK(call.outcome.row == 131);
        CHECK(call.untouched());
        rows = before;
      }
    }
  });
}

TEST_CASE("NaN propagates into the loss and the gradient where it is asked for") {
  for_each_case([](const cpu::Kernels& kernels, Data& data, Problem problem) {
    cpu::Engine engine(kernels);
    problem.rows.finite_check = FiniteCheck::kPropagate;
    data.anchors[5 * data.shape.dim + 3] = NAN;
    Call call(problem);
    call.run(engine, problem);
    CHECK(call.outcome.ok());
    CHECK(std::isnan(call.results.loss));
    CHECK(std::isnan(call.anchor_losses[5]));
    CHECK(call.guards_intact());
  });
}

TEST_CASE("a loss that is not finite is an overflow, and no output is touched") {
  for_each_case([](const cpu::Kernels& kernels, Data& data, Problem problem) {
    cpu::Engine engine(kernels);
    problem.rows.normalize = Normalize::kNo;
    for (float& value : data.anchors) value *= 1e30f;
    for (float& value : data.candidates) value *= 1e30f;
    Call call(problem);
    CHECK(call.run(engine, problem).outcome.status == Status::kOverflow);
    CHECK(call.untouched());
  });
}

TEST_CASE("every allocation may fail: out of memory, no output touched, and the next call works") {
  for_each_case([](const cpu::Kernels& kernels, Data&, const Problem& problem) {
    cpu::Engine undisturbed(kernels);
    Call expected(problem);
    expected.run(undisturbed, problem);
    int failures = 0;
    for (bool failed = true; failed; ++failures) {
      cpu::Engine engine(kernels);
      Call call(problem);
      {
        const FailingAllocations allocations(failures);
        call.run(engine, problem);
      }
      failed = !call.outcome.ok();
      if (!failed) break;
      REQUIRE(call.outcome.status == Status::kOutOfMemory);
      CHECK(call.untouched());
      Call again(problem);
      CHECK(again.run(engine, problem).same_bits_as(expected));
    }
    CHECK(failures >= 8);
  });
}

TEST_CASE("where an allocation fails, no candidate moves") {
  const Data data(kUsual, CandidateKind::kClasses);
  const std::vector<float> velocity(data.candidates.size(), 0.5f);
  for (const Definition& definition : {definitions().front(), definitions().back()}) {
    const TakenProblem some(data, definition, Taken::kSome);
    int failures = 0;
    for (bool failed = true; failed; ++failures) {
      cpu::Engine engine(*cpu::available_kernels().front());
      MovingCall moving(some.problem, data, velocity);
      {
        const FailingAllocations allocations(failures);
        moving.run(engine);
      }
      failed = !moving.call.outcome.ok();
      if (!failed) break;
      CHECK(moving.call.outcome.status == Status::kOutOfMemory);
      CHECK(same_bits(moving.rows.values(), data.candidates));
      CHECK(same_bits(moving.velocity.values(), velocity));
    }
    CHECK(failures >= 8);
  }
}

template <class SearchCall>
void check_search_allocations(const cpu::Kernels& kernels, const Rows& rows, int64_t size) {
  cpu::Engine undisturbed(kernels);
  SearchCall expected(rows, size);
  expected.run(undisturbed, rows);
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    cpu::Engine engine(kernels);
    SearchCall call(rows, size);
    {
      const FailingAllocations allocations(failures);
      call.run(engine, rows);
    }
    failed = !call.outcome.ok();
    if (!failed) break;
    REQUIRE(call.outcome.status == Status::kOutOfMemory);
    CHECK(call.untouched());
    SearchCall again(rows, size);
    CHECK(again.run(engine, rows).same_as(expected));
  }
  CHECK(failures >= 5);
}

TEST_CASE("every allocation of a search may fail") {
  for_each_case([](const cpu::Kernels& kernels, Data& data, const Problem& problem) {
    if (data.kind == CandidateKind::kClasses) return;
    check_search_allocations<NearestCall>(kernels, problem.rows, 3);
    check_search_allocations<RankCall>(kernels, problem.rows, 7);
  });
}

TEST_CASE("a session that cannot grow keeps what it has") {
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    const Definition definition = definitions().front();
    const Data small({20, 0, 8, 3}, CandidateKind::kBatch), large({500, 0, 64, 3}, CandidateKind::kBatch);
    const Problem problem = small.problem(definition), larger = large.problem(definition);
    cpu::Engine engine(*kernels);
    Call first(problem), failed(larger), second(problem);
    first.run(engine, problem);
    {
      const FailingAllocations allocations(3);
      failed.run(engine, larger);
    }
    CHECK(failed.outcome.status == Status::kOutOfMemory);
    CHECK(second.run(engine, problem).same_bits_as(first));
    engine.release();
    CHECK(engine.workspace_bytes() == 0);
  }
}

TEST_CASE("a call that is aborted before it begins touches no output") {
  for_each_case([](const cpu::Kernels& kernels, Data&, const Problem& problem) {
    cpu::Engine engine(kernels);
    const std::atomic<bool> abort{true};
    Call call(problem);
    CHECK(call.run(engine, problem, &abort).outcome.status == Status::kAborted);
    CHECK(call.untouched());
  });
}

TEST_CASE("a call that is aborted while its slices are measured says so, whatever the last call left behind") {
  Data data({61, 0, 3100, 8}, CandidateKind::kBatch);
  const Problem problem = data.problem(definitions().front());
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    cpu::Engine engine(*kernels);
    const float good = data.anchors[5];
    data.anchors[5] = NAN;
    Call bad(problem), aborted(problem);
    CHECK(bad.run(engine, problem).outcome.status == Status::kNotFinite);
    data.anchors[5] = good;
    const std::atomic<bool> abort{true};
    CHECK(aborted.run(engine, problem, &abort).outcome.status == Status::kAborted);
    CHECK(aborted.untouched());
  }
}

TEST_CASE("a call that is aborted on its way ends early or well, and the next one has the right bits") {
  for_each_case([](const cpu::Kernels& kernels, Data&, Problem problem) {
    cpu::Engine engine(kernels);
    Call expected(problem);
    expected.run(engine, problem);
    problem.rows.threads = 3;
    for (int microseconds = 0; microseconds < 2000; microseconds += 100) {
      std::atomic<bool> abort{false};
      Call call(problem), next(problem);
      std::thread aborter([&] {
        std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
        abort = true;
      });
      call.run(engine, problem, &abort);
      aborter.join();
      CHECK(call.guards_intact());
      if (call.outcome.ok())
        CHECK(call.same_bits_as(expected));
      else
        CHECK(call.outcome.status == Status::kAborted);
      CHECK(next.run(engine, problem).same_bits_as(expected));
    }
  });
}

}  // namespace
}  // namespace circle
