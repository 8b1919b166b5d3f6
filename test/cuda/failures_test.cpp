#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "test/cuda/clean_device.h"
#include "test/cuda/cores.h"

namespace circle::cuda {
namespace {

constexpr Shape kUsual = {200, 230, 20, 12};

enum class Cases { kAll, kKinds };

template <class Check>
void for_each_case(Cases cases, const Check& check) {
  const std::vector<Definition> list = definitions();
  for (const ChosenCore& core : {kCores[0], kCores[1]})
    for (const Definition& definition : {list.front(), list.back()})
      for (const CandidateKind kind : kKinds) {
        if (cases == Cases::kKinds && (core.units == Units::kFfma || definition.hardest)) continue;
        INFO(core.name, " ", definition.name, " ", static_cast<int>(kind));
        const CleanDevice clean;
        Data data(kUsual, kind);
        check(core, data, core.of(data.problem(definition)));
      }
}

TEST_CASE("a row that is not finite is named, the first of several, and no output is touched") {
  for_each_case(Cases::kAll, [](const ChosenCore& core, Data& data, const Problem& problem) {
    const auto engine = core.open();
    for (const bool in_candidates : {false, true}) {
      std::vector<float>& rows = in_candidates ? data.candidates : data.anchors;
      if (rows.empty()) continue;
      for (const float bad : {NAN, -INFINITY}) {
        const std::vector<float> before = rows;
        for (const int64_t row : {197, 150, 131}) rows[row * data.shape.dim + row % 20] = bad;
        Call call(problem);
        call.run(*engine, problem);
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
  for_each_case(Cases::kAll, [](const ChosenCore& core, Data& data, Problem problem) {
    problem.rows.finite_check = FiniteCheck::kPropagate;
    data.anchors[5 * data.shape.dim + 3] = NAN;
    Call call(problem);
    call.run(*core.open(), problem);
    CHECK(call.outcome.ok());
    CHECK(std::isnan(call.results.loss));
    CHECK(std::isnan(call.anchor_losses[5]));
    CHECK(std::isnan(call.gradient[5 * data.shape.dim]));
    CHECK(call.guards_intact());
  });
}

TEST_CASE("a loss that is not finite is an overflow, and no output is touched") {
  for_each_case(Cases::kAll, [](const ChosenCore& core, Data& data, Problem problem) {
    problem.rows.normalize = Normalize::kNo;
    for (float& value : data.anchors) value *= 1e30f;
    for (float& value : data.candidates) value *= 1e30f;
    Call call(problem);
    CHECK(call.run(*core.open(), problem).outcome.status == Status::kOverflow);
    CHECK(call.untouched());
  });
}

TEST_CASE("too little memory is said, no output is touched, and the next call works") {
  for_each_case(Cases::kKinds, [](const ChosenCore& core, Data&, const Problem& problem) {
    Call expected(problem);
    emulator::forget_use();
    expected.run(*core.open(), problem);
    const int64_t needed = emulator::use().peak_device_bytes;
    for (int64_t bytes = 0; bytes < needed; bytes += needed / 12) {
      const auto engine = core.open();
      Call call(problem), again(problem);
      emulator::set_device_bytes(bytes);
      call.run(*engine, problem);
      REQUIRE(call.outcome.status == Status::kOutOfDeviceMemory);
      CHECK(call.outcome.device_error == static_cast<int>(cudaErrorMemoryAllocation));
      CHECK(call.untouched());
      emulator::reset();
      CHECK(again.run(*engine, problem).same_bits_as(expected));
    }
  });
}

TEST_CASE("any launch may fail: its error is the outcome, and the next call works") {
  const Data data({140, 150, 5, 12}, CandidateKind::kSet);
  Problem problem = kCores[0].of(data.problem(definitions().front()));
  problem.rows.workspace_limit = 0;
  const CleanDevice clean;
  const auto engine = kCores[0].open();
  Call expected(problem);
  expected.run(*engine, problem);
  int launches = 0;
  for (bool failed = true; failed; ++launches) {
    Call call(problem), again(problem);
    emulator::fail_next_launch(cudaErrorLaunchOutOfResources, launches);
    call.run(*engine, problem);
    failed = !call.outcome.ok();
    emulator::reset();
    if (!failed) break;
    CHECK(call.outcome.status == Status::kDeviceFailed);
    CHECK(call.outcome.device_error == static_cast<int>(cudaErrorLaunchOutOfResources));
    CHECK(call.guards_intact());
    CHECK(again.run(*engine, problem).same_bits_as(expected));
  }
  CHECK(launches >= 15);
}

TEST_CASE("on a device that broke, every call says so and nothing hangs") {
  const CleanDevice clean;
  const Data data(kUsual, CandidateKind::kSet);
  const Problem problem = data.problem(definitions().front());
  const auto used = open_engine(Units::kTensor, 0), fresh = open_engine(Units::kTensor, 0);
  std::unique_ptr<DeviceRows> rows, more;
  REQUIRE(DeviceRows::create(0, 4, 4, rows).ok());
  Call before(problem);
  REQUIRE(before.run(*used, problem).outcome.ok());
  emulator::break_device(cudaErrorIllegalAddress);
  for (int repetition = 0; repetition < 2; ++repetition)
    for (Engine* engine : {used.get(), fresh.get()}) {
      Call call(problem);
      call.run(*engine, problem);
      CHECK(call.outcome.status == Status::kDeviceFailed);
      CHECK(call.outcome.device_error == static_cast<int>(cudaErrorIllegalAddress));
      CHECK(call.untouched());
      std::vector<float> matrix(static_cast<size_t>(200 * 230));
      CHECK(engine->similarity(problem.rows, matrix.data(), nullptr).status == Status::kDeviceFailed);
    }
  float values[16];
  CHECK(rows->read(values, 0, 4).status == Status::kDeviceFailed);
  CHECK(DeviceRows::create(0, 4, 4, more).status == Status::kDeviceFailed);
  CHECK(more == nullptr);
  used->release();
  CHECK(used->workspace_bytes() == 0);
}

TEST_CASE("a device that does not exist shows in the first call") {
  const CleanDevice clean;
  const Data data(kUsual, CandidateKind::kBatch);
  const Problem problem = data.problem(definitions().front());
  Call call(problem);
  call.run(*open_engine(Units::kTensor, 99), problem);
  CHECK(call.outcome.status == Status::kDeviceFailed);
  CHECK(call.outcome.device_error == static_cast<int>(cudaErrorInvalidDevice));
  std::unique_ptr<DeviceRows> rows;
  CHECK(DeviceRows::create(99, 4, 4, rows).device_error == static_cast<int>(cudaErrorInvalidDevice));
}

TEST_CASE("a call that is aborted before it begins touches no output") {
  for_each_case(Cases::kAll, [](const ChosenCore& core, Data&, const Problem& problem) {
    const std::atomic<bool> abort{true};
    Call call(problem);
    CHECK(call.run(*core.open(), problem, &abort).outcome.status == Status::kAborted);
    CHECK(call.untouched());
  });
}

TEST_CASE("a call that is aborted on its way ends early or well, and the next one has the right bits") {
  for_each_case(Cases::kKinds, [](const ChosenCore& core, Data&, Problem problem) {
    problem.rows.workspace_limit = 0;
    const auto engine = core.open();
    Call expected(problem);
    const auto begin = std::chrono::steady_clock::now();
    expected.run(*engine, problem);
    const auto taken = std::chrono::steady_clock::now() - begin;
    for (int part = 0; part < 5; ++part) {
      std::atomic<bool> abort{false};
      Call call(problem), next(problem);
      std::thread aborter([&] {
        std::this_thread::sleep_for(taken * part / 5);
        abort = true;
      });
      call.run(*engine, problem, &abort);
      aborter.join();
      CHECK(call.guards_intact());
      if (call.outcome.ok())
        CHECK(call.same_bits_as(expected));
      else
        CHECK(call.outcome.status == Status::kAborted);
      CHECK(next.run(*engine, problem).same_bits_as(expected));
    }
  });
}

TEST_CASE("engines on several threads do not disturb each other") {
  const CleanDevice clean;
  const Data data(kUsual, CandidateKind::kSet);
  Problem problem = data.problem(definitions().front());
  problem.rows.workspace_limit = 0;
  Call expected(problem);
  expected.run(*open_engine(Units::kTensor, 0), problem);
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(std::make_unique<Call>(problem));
    threads.emplace_back([&problem, &call = *calls.back()] { call.run(*open_engine(Units::kTensor, 0), problem); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& call : calls) CHECK(call->same_bits_as(expected));
}

}  // namespace
}  // namespace circle::cuda
