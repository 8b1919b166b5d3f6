// Nearest candidates and ranks, held against a sort of the same engine's similarity matrix.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "test/cuda/device_array.h"
#include "test/cuda/search_case.h"
#include "test/emulator/emulator.h"

namespace circle::cuda {
namespace {

constexpr int64_t kUsualLimit = int64_t{64} << 20;

// check(core, rows): one tile and several, whole and not, in panels of a row of tiles and in one.
template <class Check>
void for_each_case(const Check& check) {
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet})
      for (const Shape shape :
           {Shape{2, 1, 1, 1}, Shape{127, 129, 3, 1}, Shape{128, 256, 33, 1}, Shape{260, 390, 2, 1}}) {
        const SearchData data(shape, kind);
        if (core.precision == Precision::kFast && shape.dim != 33) continue;  // the panels of kExact
        for (const Normalize normalize : {Normalize::kNo, Normalize::kL2})
          for (const int64_t limit : {int64_t{0}, kUsualLimit}) {
            // Other cores leave rows that are not normalised to this one.
            if (normalize == Normalize::kNo && core.units != Units::kFfma) continue;
            INFO(core.name, " ", shape.anchors, " x ", shape.candidates, " ", static_cast<int>(kind), " ",
                 static_cast<int>(normalize), " ", limit);
            Rows rows = data.rows(core);
            rows.normalize = normalize;
            rows.workspace_limit = limit;
            check(core, rows);
          }
      }
}

int64_t most_nearest(const Rows& rows) {
  return rows.candidate_count - (rows.candidate_kind == CandidateKind::kBatch ? 1 : 0);
}

TEST_CASE("the nearest are the first of the sorted matrix, from one to all") {
  for_each_case([](const ChosenCore& core, const Rows& rows) {
    const auto engine = core.open();
    const SearchMatrix matrix(*engine, rows);
    const int64_t most = most_nearest(rows);
    for (const int64_t k : {int64_t{1}, std::min<int64_t>(most, 9), most})
      CHECK(matrix.answers(NearestCall(rows, k).run(*engine, rows)));
  });
  CHECK(emulator::failures().empty());
}

TEST_CASE("ranks count the others of the matrix, for runs of any length and place") {
  Random random(7);
  for_each_case([&](const ChosenCore& core, const Rows& rows) {
    const auto engine = core.open();
    const SearchMatrix matrix(*engine, rows);
    for (const Runs& runs : {even_runs(rows, 1), even_runs(rows, 50), wild_runs(rows, random)})
      CHECK(matrix.answers(RankCall(runs).run(*engine, rows)));
  });
  CHECK(emulator::failures().empty());
}

TEST_CASE("lists and runs longer than a block's shared memory, in one panel and in many") {
  // A block sorts 2,048 newcomers, and holds as many thresholds.
  const SearchData data({3, 4500, 2, 1}, CandidateKind::kSet);
  for (const int64_t limit : {int64_t{0}, kUsualLimit}) {
    Rows rows = data.rows(kCores[0]);
    rows.workspace_limit = limit;
    rows.normalize = Normalize::kNo;
    const auto engine = kCores[0].open();
    const SearchMatrix matrix(*engine, rows);
    Runs runs;
    for (int64_t anchor = 0; anchor < rows.anchor_count; ++anchor) runs.add(anchor % 2, 4500 - 200 * anchor);
    CHECK(matrix.answers(RankCall(runs).run(*engine, rows)));
    CHECK(matrix.answers(NearestCall(rows, 4400).run(*engine, rows)));
  }
}

TEST_CASE("of equals the first candidates are the nearest, and all others reach") {
  const std::vector<float> ones(300, 1);
  Rows rows = SearchData({1, 1, 1, 1}, CandidateKind::kBatch).rows(kCores[0]);
  rows.anchors = rows.candidates = ones.data();
  rows.anchor_count = rows.candidate_count = 300;
  for (const int64_t limit : {int64_t{0}, kUsualLimit}) {
    rows.workspace_limit = limit;
    const auto engine = kCores[0].open();
    NearestCall nearest(rows, 130);
    const Runs runs = even_runs(rows, 30);
    RankCall rank(runs);
    REQUIRE(nearest.run(*engine, rows).outcome.ok());
    REQUIRE(rank.run(*engine, rows).outcome.ok());
    const std::vector<int32_t> candidates = integers_of(nearest.integers);
    bool first = true;
    for (int i = 0; i < 300; ++i)
      for (int place = 0; place < 130; ++place)
        first &= candidates[static_cast<size_t>(i * 130 + place)] == (place < i ? place : place + 1);
    CHECK(first);
    const std::vector<int32_t> reached_by = integers_of(rank.integers);
    CHECK(std::all_of(reached_by.begin(), reached_by.end(), [](int32_t reached) { return reached == 290; }));
  }
}

TEST_CASE("another limit, and other turns of blocks, warps and lanes, give the same answer") {
  for (const ChosenCore& core : kCores) {
    const SearchData data({140, 530, 5, 1}, CandidateKind::kSet);
    Rows rows = data.rows(core);
    rows.workspace_limit = kUsualLimit;
    const Runs runs = even_runs(rows, 11);
    const auto engine = core.open();
    NearestCall nearest(rows, 20);
    RankCall rank(runs);
    REQUIRE(nearest.run(*engine, rows).outcome.ok());
    REQUIRE(rank.run(*engine, rows).outcome.ok());
    for (const int64_t limit : {int64_t{0}, int64_t{200000}}) {
      rows.workspace_limit = limit;
      for (const emulator::Schedule& schedule :
           {emulator::Schedule{}, emulator::Schedule{emulator::Order::kReverse, 0},
            emulator::Schedule{emulator::Order::kRandom, 1}, emulator::Schedule{emulator::Order::kRandom, 2}}) {
        INFO(core.name, " ", limit, " ", static_cast<int>(schedule.order));
        emulator::set_schedule(schedule);
        CHECK(NearestCall(rows, 20).run(*engine, rows).same_bits_as(nearest));
        CHECK(RankCall(runs).run(*engine, rows).same_bits_as(rank));
      }
    }
    emulator::reset();
    CHECK(emulator::failures().empty());
  }
}

TEST_CASE("chosen rows of the device are searched in their order, and host rows cannot be chosen") {
  const SearchData data({5, 300, 6, 1}, CandidateKind::kSet);
  std::unique_ptr<DeviceRows> all;
  REQUIRE(DeviceRows::create(0, 300, 6, all).ok());
  REQUIRE(all->write(data.data.candidates.data(), 0, 300).ok());
  std::vector<int32_t> chosen;
  std::vector<float> values;
  for (int32_t i = 0; i < 140; ++i) {
    chosen.push_back(i * 77 % 300);
    const auto row = data.data.candidates.begin() + chosen.back() * 6;
    values.insert(values.end(), row, row + 6);
  }
  Rows gathered = data.rows(kCores[1]);
  gathered.candidates = values.data();
  gathered.candidate_count = 140;
  const Runs runs = even_runs(gathered, 9);
  const auto engine = kCores[1].open();
  NearestCall nearest(gathered, 12);
  RankCall rank(runs);
  REQUIRE(nearest.run(*engine, gathered).outcome.ok());
  REQUIRE(rank.run(*engine, gathered).outcome.ok());
  Rows resident = gathered;
  resident.candidates = all->data();
  resident.candidates_place = Place::kDevice;
  resident.candidate_rows = chosen.data();
  CHECK(NearestCall(resident, 12).run(*engine, resident).same_bits_as(nearest));
  CHECK(RankCall(runs).run(*engine, resident).same_bits_as(rank));
  gathered.candidate_rows = chosen.data();
  CHECK(NearestCall(gathered, 12).run(*engine, gathered).outcome.status == Status::kInvalid);
  CHECK(RankCall(runs).run(*engine, gathered).outcome.status == Status::kInvalid);
}

TEST_CASE("offsets of runs add up over any number of blocks, hulls hold all runs of a block") {
  Random random(3);
  for (const int64_t anchors : {1, 127, 128, 129, 700}) {
    Runs runs;
    for (int64_t i = 0; i < anchors; ++i) {
      const int first = random.below(1000);
      runs.add(first, first + (i / kTile == 2 ? 0 : random.below(50)));
    }
    const DeviceArray<int32_t> first(runs.first), end(runs.end);
    DeviceArray<int64_t> offsets(anchors);
    DeviceArray<CandidateRange> hulls((anchors + kTile - 1) / kTile);
    REQUIRE(lay_out_runs({first.data(), end.data(), offsets.data(), anchors, 50}, hulls.data(), nullptr) ==
            cudaSuccess);
    const std::vector<int64_t> found = offsets.read();
    const std::vector<CandidateRange> ranges = hulls.read();
    std::vector<CandidateRange> expected(ranges.size(), CandidateRange{INT32_MAX, 0});
    int64_t before = 0;
    bool right = true;
    for (size_t i = 0; i < found.size(); ++i) {
      right &= found[i] == before;
      before += runs.end[i] - runs.first[i];
      CandidateRange& hull = expected[i / kTile];
      if (runs.end[i] > runs.first[i]) hull = {std::min(hull.begin, runs.first[i]), std::max(hull.end, runs.end[i])};
    }
    CHECK(right);
    for (size_t i = 0; i < ranges.size(); ++i) {
      CHECK(ranges[i].begin == expected[i].begin);
      CHECK(ranges[i].end == expected[i].end);
    }
  }
}

TEST_CASE("tiles that nobody wants are left as they were") {
  constexpr int64_t kAnchors = 200, kCandidates = 300;
  const DeviceOperand anchors(Core::kFfma, kAnchors, 4), candidates(Core::kFfma, kCandidates, 4);
  REQUIRE(cudaMemset(anchors.operand().high, 0, kAnchors * 4 * sizeof(float)) == cudaSuccess);
  REQUIRE(cudaMemset(candidates.operand().high, 0, kCandidates * 4 * sizeof(float)) == cudaSuccess);
  DeviceArray<float> out(std::vector<float>(kAnchors * kCandidates, 7));
  const DeviceArray<CandidateRange> wanted(std::vector<CandidateRange>{{512 + 127, 512 + 129}, {512, 512 + 128}});
  Panel panel{};
  panel.rows = candidates.operand();
  panel.columns = anchors.operand();
  panel.first_row = 512;
  REQUIRE(similarity_matrix(Core::kFfma, panel, wanted.data(), out.data(), kCandidates, nullptr) == cudaSuccess);
  const std::vector<float> found = out.read();
  bool right = true;
  for (int64_t anchor = 0; anchor < kAnchors; ++anchor)
    for (int64_t candidate = 0; candidate < kCandidates; ++candidate) {
      const bool is_wanted = candidate < (anchor < kTile ? 2 * kTile : kTile);
      right &= found[static_cast<size_t>(anchor * kCandidates + candidate)] == (is_wanted ? 0 : 7);
    }
  CHECK(right);
}

}  // namespace
}  // namespace circle::cuda
