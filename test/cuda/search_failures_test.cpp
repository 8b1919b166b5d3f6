// Retrieval that cannot end well, and what it holds of the device's memory.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "cuda/kernels.h"
#include "test/cuda/clean_device.h"
#include "test/cuda/search_case.h"

namespace circle::cuda {
namespace {

// Two panels of a row of tiles.
constexpr Shape kUsual = {140, 150, 8, 1};
constexpr int64_t kNearest = 15, kRuns = 12;

// check(core, data, rows, make): make() is a new call, of either kind.
template <class Check>
void for_each_case(Shape shape, const Check& check) {
  for (const ChosenCore& core : {kCores[0], kCores[1]})
    for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet}) {
      INFO(core.name, " ", static_cast<int>(kind));
      const CleanDevice clean;
      SearchData data(shape, kind);
      Rows rows = data.rows(core);
      rows.workspace_limit = 0;
      const Runs runs = even_runs(rows, kRuns);
      check(core, data.data, rows, [&] { return NearestCall(rows, kNearest); });
      check(core, data.data, rows, [&] { return RankCall(runs); });
    }
}

TEST_CASE("a row that is not finite is named, the first of several, and no answer is touched") {
  for_each_case(kUsual, [](const ChosenCore& core, Data& data, const Rows& rows, const auto& make) {
    const auto engine = core.open();
    for (const bool in_candidates : {false, true}) {
      std::vector<float>& values = in_candidates ? data.candidates : data.anchors;
      if (values.empty()) continue;
      const std::vector<float> before = values;
      for (const int64_t row : {139, 135, 131}) values[static_cast<size_t>(row * rows.dim + row % 8)] = NAN;
      auto call = make();
      const Outcome outcome = call.run(*engine, rows).outcome;
      CHECK(outcome.status == Status::kNotFinite);
      CHECK(outcome.array == (in_candidates ? InputArray::kCandidates : InputArray::kAnchors));
      CHECK(outcome.row == 131);
      CHECK(call.untouched());
      std::copy(before.begin(), before.end(), values.begin());
    }
  });
}

// Anchor 0 with candidates of any similarity: rows of one number.
Rows similarities_as(const std::vector<float>& candidates) {
  static const float kOne[] = {1e38f};
  Rows rows{};
  rows.anchors = kOne;
  rows.anchor_count = 1;
  rows.candidates = candidates.data();
  rows.candidate_count = static_cast<int64_t>(candidates.size());
  rows.dim = 1;
  rows.candidate_kind = CandidateKind::kSet;
  rows.normalize = Normalize::kNo;
  rows.finite_check = FiniteCheck::kReport;
  return rows;
}

TEST_CASE("a similarity beyond float32 is an overflow where it is an answer, and otherwise one more candidate") {
  const CleanDevice clean;
  const auto engine = open_engine(Units::kTensor, 0);
  std::vector<float> candidates(140, -1);
  candidates[4] = 1;
  candidates[135] = -1e30f;  // −∞, the farthest
  Rows rows = similarities_as(candidates);
  CHECK(NearestCall(rows, 139).run(*engine, rows).outcome.ok());
  NearestCall all(rows, 140);
  CHECK(all.run(*engine, rows).outcome.status == Status::kOverflow);
  CHECK(all.untouched());
  Runs own, other;
  own.add(130, 140);
  other.add(3, 6);
  RankCall infinite(own), finite(other);
  CHECK(infinite.run(*engine, rows).outcome.status == Status::kOverflow);
  CHECK(infinite.untouched());
  REQUIRE(finite.run(*engine, rows).outcome.ok());
  CHECK(integers_of(finite.integers) == std::vector<int32_t>{136, 0, 136});
  candidates[135] = 1e30f;  // +∞, the nearest
  CHECK(NearestCall(rows, 1).run(*engine, rows).outcome.status == Status::kOverflow);
  RankCall reached(other);
  REQUIRE(reached.run(*engine, rows).outcome.ok());
  CHECK(integers_of(reached.integers) == std::vector<int32_t>{137, 1, 137});
}

TEST_CASE("a similarity that is NaN is nobody's neighbour, reaches nothing and has no rank") {
  const CleanDevice clean;
  const auto engine = open_engine(Units::kTensor, 0);
  std::vector<float> candidates(140, -1);
  candidates[7] = NAN;
  Rows rows = similarities_as(candidates);
  rows.finite_check = FiniteCheck::kPropagate;
  NearestCall nearest(rows, 139);
  REQUIRE(nearest.run(*engine, rows).outcome.ok());
  const std::vector<int32_t> found = integers_of(nearest.integers);
  CHECK(std::find(found.begin(), found.end(), 7) == found.end());
  CHECK(NearestCall(rows, 140).run(*engine, rows).outcome.status == Status::kOverflow);
  Runs own, other;
  own.add(5, 9);
  other.add(0, 2);
  CHECK(RankCall(own).run(*engine, rows).outcome.status == Status::kOverflow);
  RankCall finite(other);
  REQUIRE(finite.run(*engine, rows).outcome.ok());
  CHECK(integers_of(finite.integers) == std::vector<int32_t>{137, 137});
}

TEST_CASE("where every run is empty there is no answer, but rows are still looked at") {
  const CleanDevice clean;
  SearchData data(kUsual, CandidateKind::kSet);
  const Rows rows = data.rows(kCores[1]);
  Runs nobody;
  for (int64_t i = 0; i < rows.anchor_count; ++i) nobody.add(i, i);
  const auto engine = kCores[1].open();
  RankCall call(nobody);
  CHECK(call.run(*engine, rows).outcome.ok());
  CHECK(call.untouched());
  data.data.candidates[149 * 8] = INFINITY;
  CHECK(call.run(*engine, rows).outcome.row == 149);
  CHECK(call.outcome.status == Status::kNotFinite);
}

TEST_CASE("too little memory for any allocation is said, no answer is touched, and the next call works") {
  for_each_case({20, 20, 1, 1}, [](const ChosenCore& core, Data&, const Rows& rows, const auto& make) {
    auto expected = make();
    {
      const auto engine = core.open();
      REQUIRE(expected.run(*engine, rows).outcome.ok());
    }
    // No array is smaller than a step, so that each allocation is the one that fails at least once.
    constexpr int64_t kStep = 8;
    const int64_t before = emulator::use().device_bytes;
    int64_t most_held = -1;
    int allocations = 0;
    for (int64_t bytes = 0;; bytes += kStep) {
      const auto engine = core.open();
      auto call = make(), again = make();
      emulator::set_device_bytes(bytes);
      call.run(*engine, rows);
      const int64_t held = emulator::use().device_bytes - before;
      emulator::reset();
      if (call.outcome.ok()) break;
      REQUIRE(call.outcome.status == Status::kOutOfDeviceMemory);
      CHECK(call.outcome.device_error == static_cast<int>(cudaErrorMemoryAllocation));
      CHECK(call.untouched());
      if (held == most_held) continue;
      most_held = held;
      ++allocations;
      CHECK(again.run(*engine, rows).same_bits_as(expected));
    }
    // Rows as given, scales, packed, scalars, a panel, and two arrays of an answer.
    CHECK(allocations >= 7);
  });
}

TEST_CASE("any launch may fail: its error is the outcome, and the next call works") {
  for_each_case(kUsual, [](const ChosenCore& core, Data&, const Rows& rows, const auto& make) {
    if (core.units == Units::kFfma) return;
    const auto engine = core.open();
    auto expected = make();
    REQUIRE(expected.run(*engine, rows).outcome.ok());
    int launches = 0;
    for (;; ++launches) {
      auto call = make(), again = make();
      emulator::fail_next_launch(cudaErrorLaunchOutOfResources, launches);
      call.run(*engine, rows);
      emulator::reset();
      if (call.outcome.ok()) break;
      CHECK(call.outcome.status == Status::kDeviceFailed);
      CHECK(call.outcome.device_error == static_cast<int>(cudaErrorLaunchOutOfResources));
      CHECK(call.untouched());
      CHECK(again.run(*engine, rows).same_bits_as(expected));
    }
    CHECK(launches >= 8);
  });
}

TEST_CASE("on a device that broke, every search says so") {
  for_each_case(kUsual, [](const ChosenCore& core, Data&, const Rows& rows, const auto& make) {
    const auto engine = core.open();
    auto before = make(), after = make();
    REQUIRE(before.run(*engine, rows).outcome.ok());
    emulator::break_device(cudaErrorIllegalAddress);
    CHECK(after.run(*engine, rows).outcome.status == Status::kDeviceFailed);
    CHECK(after.untouched());
    emulator::reset();
  });
}

TEST_CASE("a search that is aborted before it begins touches no answer, one on its way ends early or well") {
  for_each_case(kUsual, [](const ChosenCore& core, Data&, const Rows& rows, const auto& make) {
    if (core.units == Units::kFfma) return;
    const auto engine = core.open();
    const std::atomic<bool> at_once{true};
    auto none = make(), expected = make();
    CHECK(none.run(*engine, rows, &at_once).outcome.status == Status::kAborted);
    CHECK(none.untouched());
    const auto begin = std::chrono::steady_clock::now();
    expected.run(*engine, rows);
    const auto taken = std::chrono::steady_clock::now() - begin;
    for (int part = 0; part < 4; ++part) {
      std::atomic<bool> abort{false};
      auto call = make(), next = make();
      std::thread aborter([&] {
        std::this_thread::sleep_for(taken * part / 4);
        abort = true;
      });
      call.run(*engine, rows, &abort);
      aborter.join();
      if (call.outcome.ok()) {
        CHECK(call.same_bits_as(expected));
      } else {
        CHECK(call.outcome.status == Status::kAborted);
        CHECK(call.untouched());
      }
      CHECK(next.run(*engine, rows).same_bits_as(expected));
    }
  });
}

TEST_CASE("device memory of a search is linear in the rows and the answers, and a second one allocates nothing") {
  constexpr int64_t kLimit = int64_t{1} << 20;
  const CleanDevice clean;
  const Data data({3000, 40000, 16, 1}, CandidateKind::kSet);
  for (const ChosenCore& core : kCores) {
    INFO(core.name);
    Rows rows = core.of(data.problem(definitions().front())).rows;
    rows.workspace_limit = kLimit;
    rows.finite_check = FiniteCheck::kPropagate;
    const Runs runs = even_runs(rows, 4000);
    // Whole tiles of all anchors are the least that a panel has.
    const int64_t panel = std::max(kLimit, kTile * (rows.anchor_count + rows.dim) * 4);
    // As given, packed, with scales; runs and numbers of chosen rows.
    const int64_t linear = (rows.anchor_count + rows.candidate_count) * (rows.dim * 8 + 12 + 32) + (1 << 16);
    const auto check = [&](auto&& call, int64_t answers) {
      emulator::set_kernels(emulator::Kernels::kSkipped);
      emulator::forget_use();
      const auto engine = core.open();
      REQUIRE(call.run(*engine, rows).outcome.ok());
      CHECK(emulator::use().peak_device_bytes - clean.before.device_bytes <= panel + linear + answers * 16);
      const int64_t held = engine->workspace_bytes();
      const int allocations = emulator::use().allocations;
      CHECK(held == device_bytes_held());
      REQUIRE(call.run(*engine, rows).outcome.ok());
      CHECK(engine->workspace_bytes() == held);
      CHECK(emulator::use().allocations == allocations);
      engine->release();
      CHECK(engine->workspace_bytes() == 0);
      CHECK(emulator::use().device_bytes == clean.before.device_bytes);
      emulator::reset();
    };
    check(NearestCall(rows, 10), rows.anchor_count * 10);
    check(RankCall(runs), runs.pairs());
  }
}

}  // namespace
}  // namespace circle::cuda
