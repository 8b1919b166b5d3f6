// Memory that is refused, wherever it is asked for on a call's way from JavaScript to the engine.
#include "test/native/allocations.h"

#include <doctest/doctest.h>

#include <atomic>
#include <new>
#include <thread>

#include "native/cpu/dispatch.h"
#include "test/native/request_case.h"

namespace circle {
namespace {

// Three blocks a side; enough work for several threads.
const Data& data() {
  static const Data data({200, 230, 37, 12}, CandidateKind::kSet);
  return data;
}

// One after the other, each allocation of a session's making and of its first call fails. run(session) is the call.
template <class Check>
int fail_each(Failing failing, RequestCase::Kind kind, const Check& check) {
  for (int succeeding = 0;; ++succeeding) {
    RequestCase call(kind, data());
    std::shared_ptr<binding::SharedEngine> engine;
    Outcome outcome{Status::kOutOfMemory};
    bool failed = false;
    {
      FailingAllocations allocations(succeeding, failing);
      try {
        engine = open_shared_engine();
      } catch (const std::bad_alloc&) {
      }
      if (engine) outcome = call.run(*engine);
      failed = allocations.any();
    }
    check(call, engine.get(), outcome);
    if (!failed) return succeeding;
  }
}

TEST_CASE("every allocation of a session and its first call may fail, of the C++ library's too: no output is touched") {
  for (const Failing failing : {Failing::kOne, Failing::kAll})
    for (const RequestCase::Kind kind : RequestCase::kKinds) {
      INFO(static_cast<int>(failing), " ", static_cast<int>(kind));
      RequestCase expected(kind, data());
      REQUIRE(expected.run(*open_shared_engine()).ok());
      const int allocations =
          fail_each(failing, kind, [&](RequestCase& call, binding::SharedEngine* engine, Outcome outcome) {
            CHECK(call.guards_intact());
            if (outcome.ok()) {
              CHECK(call.same_bits_as(expected));  // fewer threads
              return;
            }
            REQUIRE(outcome.status == Status::kOutOfMemory);
            CHECK(call.untouched());
            if (!engine) return;
            CHECK(call.reported(binding::ReportField::status) == static_cast<int>(Status::kOutOfMemory));
            RequestCase again(kind, data());
            REQUIRE(again.run(*engine).ok());
            CHECK(again.same_bits_as(expected));
          });
      CHECK(allocations >= 6);  // two of the session, and buffers
    }
}

TEST_CASE("where there is no memory for a second engine, the call that found the first one taken says so") {
  set_when_taken(binding::WhenTaken::kOpenAnother);
  const std::shared_ptr<binding::SharedEngine> engine = open_shared_engine();
  RequestCase expected(RequestCase::Kind::kLoss, data());
  REQUIRE(expected.run(*engine).ok());
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    RequestCase call(RequestCase::Kind::kLoss, data());
    Outcome outcome;
    // A call within a call finds the engine taken, as one on another thread does.
    engine->with_engine(Rows{}, nullptr, [&](Engine&) {
      FailingAllocations allocations(failures);
      outcome = call.run(*engine);
      failed = allocations.any();
      return Outcome{};
    });
    if (outcome.ok()) {
      CHECK(call.same_bits_as(expected));
      continue;
    }
    REQUIRE(outcome.status == Status::kOutOfMemory);
    CHECK(call.untouched());
  }
  CHECK(failures >= 8);
}

TEST_CASE("an exception of an engine is an outcome, and leaves its session usable") {
  const std::shared_ptr<binding::SharedEngine> engine = open_shared_engine();
  const Outcome outcome = engine->with_engine(Rows{}, nullptr, [](Engine&) -> Outcome { throw std::bad_alloc(); });
  CHECK(outcome.status == Status::kOutOfMemory);
  RequestCase call(RequestCase::Kind::kLoss, data());
  CHECK(call.run(*engine).ok());
}

TEST_CASE("to find the instruction sets needs no memory") {
  const FailingAllocations allocations(0);
  const bool found = cpu::find_kernels("baseline") || cpu::find_kernels("neon");
  const bool failed = allocations.any();
  CHECK(found);
  CHECK(!failed);
}

}  // namespace
}  // namespace circle
