// The same bits whatever the hardware's turns are.
#include <doctest/doctest.h>

#include "test/cuda/cores.h"
#include "test/emulator/emulator.h"
#include "test/native/expected.h"

namespace circle::cuda {
namespace {

using emulator::Order;
using emulator::Schedule;

// Two blocks and a ragged third one, more than one slab, panels of one row of tiles.
constexpr Shape kShape = {270, 140, 70, 12};

Problem usual_problem(const ChosenCore& core, const Data& data, const Definition& definition) {
  Problem problem = core.of(data.problem(definition));
  problem.rows.workspace_limit = 0;
  return problem;
}

TEST_CASE("the order in which blocks, warps and lanes get their turns changes no bit") {
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : kKinds) {
      INFO(core.name, " ", static_cast<int>(kind));
      const Data data(kShape, kind);
      const Problem problem = usual_problem(core, data, definitions().front());
      const auto engine = core.open();
      Call forward(problem);
      forward.run(*engine, problem);
      REQUIRE(forward.outcome.ok());
      for (const Schedule& schedule :
           {Schedule{Order::kReverse, 0}, Schedule{Order::kRandom, 1}, Schedule{Order::kRandom, 2}}) {
        emulator::set_schedule(schedule);
        Call call(problem);
        CHECK(call.run(*engine, problem).same_bits_as(forward));
      }
      emulator::reset();
      CHECK(emulator::failures().empty());
    }
}

TEST_CASE("two stages of copies, which is all that a Turing GPU has room for, give the bits of three") {
  for (const ChosenCore& core : kCores) {
    INFO(core.name);
    const Data data(kShape, CandidateKind::kBatch);
    const Problem problem = usual_problem(core, data, definitions().front());
    const auto engine = core.open();
    Call three(problem), two(problem);
    three.run(*engine, problem);
    emulator::set_shared_bytes_limit(64 << 10);
    two.run(*engine, problem);
    emulator::reset();
    REQUIRE(two.outcome.ok());
    CHECK(two.same_bits_as(three));
  }
}

TEST_CASE("dimensions up to 4096 are what the definition gives") {
  const Definition definition = definitions().front();
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kClasses}) {
      INFO(core.name, " ", static_cast<int>(kind));
      const Data data({12, 10, 4096, 4}, kind);
      const Problem problem = core.of(data.problem(definition));
      Call call(problem);
      Expected(definition, problem, data.inputs(), core.coordinate_error).check(call.run(*core.open(), problem));
    }
}

}  // namespace
}  // namespace circle::cuda
