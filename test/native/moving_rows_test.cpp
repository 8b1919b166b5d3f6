#include "test/native/moving_rows.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"

namespace circle {
namespace {

// Three blocks a side, the last of 8 rows; enough work for several threads.
constexpr Shape kUsual = {200, 230, 37, 12};

template <class Check>
void for_each_case(const Check& check) {
  for (const cpu::Kernels* kernels : cpu::available_kernels())
    for (const Definition& definition : definitions())
      for (const CandidateKind kind : {CandidateKind::kSet, CandidateKind::kClasses})
        for (const Taken taken : kTaken) {
          INFO(std::string(kernels->name), " ", definition.name, " ", static_cast<int>(kind), " ",
               static_cast<int>(taken));
          const Data data(kUsual, kind);
          const TakenProblem chosen(data, definition, taken);
          const std::vector<float> velocity = Random(7).numbers(static_cast<int64_t>(data.candidates.size()));
          check(*kernels, data, chosen.problem, velocity);
        }
}

TEST_CASE("candidates move by their gradient, the others by no bit, and the rest of the call is the same") {
  for_each_case([](const cpu::Kernels& kernels, const Data& data, const Problem& problem, const auto& velocity) {
    cpu::Engine engine(kernels);
    Call still(problem);
    REQUIRE(still.run(engine, problem).outcome.ok());
    MovingCall moving(problem, data, velocity);
    moving.run(engine);
    REQUIRE(moving.call.outcome.ok());
    CHECK(moving.call.results.loss == still.results.loss);
    CHECK(same_bits(moving.call.gradient.values(), still.gradient.values()));
    CHECK(same_bits(moving.call.anchor_losses.values(), still.anchor_losses.values()));
    check_moved(problem, still.candidate_gradient.data(), data.candidates, velocity, moving.rows.values(),
                moving.velocity.values());
  });
}

TEST_CASE("some rows of a set are a set of their own") {
  for (const cpu::Kernels* kernels : cpu::available_kernels())
    for (const Definition& definition : definitions()) {
      INFO(std::string(kernels->name), " ", definition.name);
      const Data data(kUsual, CandidateKind::kSet);
      const TakenProblem some(data, definition, Taken::kSome);
      std::vector<float> side_by_side;
      for (const int32_t row : some.rows)
        side_by_side.insert(side_by_side.end(), data.candidates.begin() + row * kUsual.dim,
                            data.candidates.begin() + (row + 1) * kUsual.dim);
      Problem own = some.problem;
      own.rows.candidates = side_by_side.data();
      own.rows.candidate_rows = nullptr;
      cpu::Engine engine(*kernels);
      Call call(some.problem), expected(own);
      CHECK(call.run(engine, some.problem).same_bits_as(expected.run(engine, own)));
      GuardedFloats matrix(own.rows.anchor_count * own.rows.candidate_count), other(matrix.size());
      CHECK(engine.similarity(some.problem.rows, matrix.data(), nullptr).ok());
      CHECK(engine.similarity(own.rows, other.data(), nullptr).ok());
      CHECK(same_bits(matrix.values(), other.values()));
    }
}

TEST_CASE("threads and the workspace limit change no bit of what has moved") {
  for_each_case([](const cpu::Kernels& kernels, const Data& data, const Problem& problem, const auto& velocity) {
    cpu::Engine engine(kernels);
    MovingCall one(problem, data, velocity);
    one.run(engine);
    for (const int threads : {1, 3})
      for (const int64_t limit : {int64_t{256} << 20, int64_t{200} << 10, int64_t{0}}) {
        Problem other = problem;
        other.rows.threads = threads;
        other.rows.workspace_limit = limit;
        cpu::Engine fresh(kernels);
        MovingCall call(other, data, velocity);
        call.run(fresh);
        CHECK(same_bits(call.rows.values(), one.rows.values()));
        CHECK(same_bits(call.velocity.values(), one.velocity.values()));
        CHECK(call.call.same_bits_as(one.call));
      }
  });
}

TEST_CASE("a call that is aborted has moved all its candidates or none") {
  const Data data({200, 2300, 37, 12}, CandidateKind::kClasses);
  const std::vector<float> velocity(data.candidates.size(), 0.25f);
  for (const Definition& definition : {definitions().front(), definitions().back()})
    for (const cpu::Kernels* kernels : cpu::available_kernels()) {
      Problem problem = data.problem(definition);
      problem.rows.threads = 2;
      problem.rows.workspace_limit = 0;  // many panels
      cpu::Engine engine(*kernels);
      MovingCall whole(problem, data, velocity);
      const auto start = std::chrono::steady_clock::now();
      whole.run(engine);
      const auto length = std::chrono::steady_clock::now() - start;
      for (int part = 0; part < 24; ++part) {
        std::atomic<bool> abort{false};
        MovingCall call(problem, data, velocity);
        std::thread aborter([&] {
          std::this_thread::sleep_for(length * part / 20);
          abort = true;
        });
        call.run(engine, &abort);
        aborter.join();
        if (call.call.outcome.ok()) {
          CHECK(same_bits(call.rows.values(), whole.rows.values()));
        } else {
          CHECK(call.call.outcome.status == Status::kAborted);
          CHECK(same_bits(call.rows.values(), data.candidates));
          CHECK(same_bits(call.velocity.values(), velocity));
        }
      }
    }
}

TEST_CASE("a row that is not finite is found before anything moves") {
  for_each_case([](const cpu::Kernels& kernels, Data data, const Problem& given, const auto& velocity) {
    cpu::Engine engine(kernels);
    const int64_t bad = given.rows.candidate_row(given.rows.candidate_count - 2);
    data.candidates[static_cast<size_t>(bad * data.shape.dim + 3)] = NAN;
    MovingCall moving(given, data, velocity);
    moving.run(engine);
    CHECK(moving.call.outcome.status == Status::kNotFinite);
    CHECK(moving.call.outcome.array == InputArray::kCandidates);
    CHECK(moving.call.outcome.row == given.rows.candidate_count - 2);
    CHECK(same_bits(moving.rows.values(), data.candidates));
    CHECK(same_bits(moving.velocity.values(), velocity));
  });
}

}  // namespace
}  // namespace circle
