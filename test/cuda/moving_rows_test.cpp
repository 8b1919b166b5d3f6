#include "test/native/moving_rows.h"

#include <string>

#include "test/cuda/cores.h"
#include "test/cuda/device_array.h"

namespace circle::cuda {
namespace {

// Three blocks of anchors and of candidates, ragged; an odd dimension beyond one slab.
constexpr Shape kUsual = {270, 290, 37, 12};

TEST_CASE("candidates on the device move by their gradient, the others by no bit") {
  const std::vector<Definition> list = definitions();
  for (const ChosenCore& core : kCores)
    for (const Definition& definition : {list.front(), list.back()})
      for (const CandidateKind kind : {CandidateKind::kSet, CandidateKind::kClasses})
        for (const Taken taken : kTaken)
          for (const int64_t limit : {int64_t{0}, int64_t{64} << 20}) {
            // An emulated GPU takes its time: each definition with one of them, and the hardest pairs of half precision not.
            if (definition.hardest == (limit == 0)) continue;
            if (definition.hardest && core.precision == Precision::kFast) continue;
            INFO(core.name, " ", definition.name, " ", static_cast<int>(kind), " ", static_cast<int>(taken), " ",
                 limit);
            const Data data(kUsual, kind);
            const TakenProblem chosen(data, definition, taken);
            const std::vector<float> before = Random(7).numbers(static_cast<int64_t>(data.candidates.size()));
            const DeviceArray<float> rows(data.candidates), velocity(before);
            Problem problem = core.of(chosen.problem);
            problem.rows.candidates = rows.data();
            problem.rows.candidates_place = Place::kDevice;
            problem.rows.workspace_limit = limit;
            const auto engine = core.open();
            Call still(problem), moving(problem);
            REQUIRE(still.run(*engine, problem).outcome.ok());
            const CandidateUpdate update{telling_optimizer(), rows.data(), velocity.data(), nullptr};
            moving.results.candidate_gradient = nullptr;
            moving.results.update = &update;
            REQUIRE(moving.run(*engine, problem).outcome.ok());
            CHECK(moving.results.loss == still.results.loss);
            CHECK(same_bits(moving.gradient.values(), still.gradient.values()));
            CHECK(moving.candidate_gradient.untouched());
            check_moved(problem, still.candidate_gradient.data(), data.candidates, before, rows.read(),
                        velocity.read());
          }
}

TEST_CASE("candidates of the host neither move nor come by rows: the engine says so") {
  const Data data(kUsual, CandidateKind::kSet);
  const TakenProblem some(data, definitions().front(), Taken::kSome);
  const auto engine = kCores[1].open();
  Call by_rows(some.problem);
  CHECK(by_rows.run(*engine, some.problem).outcome.status == Status::kInvalid);
  CHECK(by_rows.untouched());
  std::vector<float> rows = data.candidates;
  const Problem problem = data.problem(definitions().front());
  const CandidateUpdate update{Sgd::make(1, 0, 0), rows.data(), nullptr, nullptr};
  Call moving(problem);
  moving.results.update = &update;
  CHECK(moving.run(*engine, problem).outcome.status == Status::kInvalid);
  CHECK(rows == data.candidates);
}

}  // namespace
}  // namespace circle::cuda
