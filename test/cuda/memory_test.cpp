#include <doctest/doctest.h>

#include <vector>

#include "cuda/plan.h"
#include "test/cuda/cores.h"
#include "test/emulator/emulator.h"

namespace circle::cuda {
namespace {

constexpr int64_t kMebi = int64_t{1} << 20;
constexpr int64_t kLimit = 64 * kMebi;

// Large shapes, without computing anything; what is looked at is memory.
struct SkippedKernels {
  SkippedKernels() {
    emulator::set_kernels(emulator::Kernels::kSkipped);
    emulator::forget_use();
  }
  ~SkippedKernels() { emulator::reset(); }
};

Problem unchecked(const Data& data, const ChosenCore& core) {
  Problem problem = core.of(data.problem(definitions().front()));
  problem.rows.finite_check = FiniteCheck::kPropagate;
  problem.rows.workspace_limit = kLimit;
  return problem;
}

// Sums of splits, of a panel and of the anchors: at most 256 tiles each, where there are splits.
constexpr int64_t kSplits = int64_t{16} << 20;

TEST_CASE("device memory is linear in the rows, beside the limit, and all of it goes away") {
  const emulator::Use before = emulator::use();
  for (const ChosenCore& core : kCores)
    for (const CandidateKind kind : kKinds) {
      INFO(core.name, " ", static_cast<int>(kind));
      const SkippedKernels skipped;
      const Data data({8192, 10000, 512, 100}, kind);
      const Problem problem = unchecked(data, core);
      Call call(problem);
      const auto engine = core.open();
      REQUIRE(call.run(*engine, problem).outcome.ok());
      const int64_t rows = data.shape.anchors + (kind == CandidateKind::kBatch ? 0 : data.shape.candidates);
      // Rows as given, packed, sums, gradient: four floats a number at most; and 64 more of them a row.
      CHECK(emulator::use().peak_device_bytes - before.device_bytes <=
            rows * (data.shape.dim + 64) * 16 + kLimit + kSplits);
      CHECK(emulator::use().pinned_bytes - before.pinned_bytes <= 8 * kMebi + 4096);
      CHECK(engine->workspace_bytes() == device_bytes_held());
      CHECK(engine->workspace_bytes() ==
            emulator::use().device_bytes - before.device_bytes + emulator::use().pinned_bytes - before.pinned_bytes);
      engine->release();
      CHECK(engine->workspace_bytes() == 0);
      CHECK(emulator::use().device_bytes == before.device_bytes);
    }
  CHECK(emulator::use().streams == before.streams);
  CHECK(emulator::use().events == before.events);
  CHECK(emulator::use().allocations == before.allocations);
}

TEST_CASE("candidates that are on the device are not copied") {
  const Data data({256, 20000, 128, 100}, CandidateKind::kSet);
  std::unique_ptr<DeviceRows> rows;
  REQUIRE(DeviceRows::create(0, data.shape.candidates, data.shape.dim, rows).ok());
  const int64_t bytes = data.shape.candidates * data.shape.dim * 4;
  CHECK(device_bytes_held() == bytes);
  const SkippedKernels skipped;
  Problem problem = unchecked(data, kCores[1]);
  problem.rows.workspace_limit = kMebi;
  Call travelled(problem), resident(problem);
  const auto one = kCores[1].open(), other = kCores[1].open();
  travelled.run(*one, problem);
  problem.rows.candidates = rows->data();
  problem.rows.candidates_place = Place::kDevice;
  resident.run(*other, problem);
  CHECK(one->workspace_bytes() - other->workspace_bytes() == bytes);
}

TEST_CASE("a second call of the same shape allocates nothing") {
  const Data data({300, 500, 64, 20}, CandidateKind::kSet);
  const SkippedKernels skipped;
  const Problem problem = unchecked(data, kCores[1]);
  Call call(problem);
  const auto engine = kCores[1].open();
  call.run(*engine, problem);
  const int64_t held = engine->workspace_bytes();
  const int allocations = emulator::use().allocations;
  call.run(*engine, problem);
  CHECK(engine->workspace_bytes() == held);
  CHECK(emulator::use().allocations == allocations);
}

TEST_CASE("rows on the device are read as they were written, in any pieces") {
  const emulator::Use before = emulator::use();
  {
    std::unique_ptr<DeviceRows> rows;
    REQUIRE(DeviceRows::create(0, 10, 3, rows).ok());
    CHECK(rows->rows() == 10);
    CHECK(rows->dim() == 3);
    CHECK(rows->device() == 0);
    Random random(1);
    const std::vector<float> values = random.numbers(30);
    REQUIRE(rows->write(values.data(), 0, 4).ok());
    REQUIRE(rows->write(values.data() + 12, 4, 6).ok());
    REQUIRE(rows->write(values.data(), 10, 0).ok());
    std::vector<float> found(30);
    REQUIRE(rows->read(found.data(), 0, 10).ok());
    CHECK(found == values);
    REQUIRE(rows->read(found.data(), 7, 2).ok());
    CHECK(found[0] == values[21]);
    for (const int64_t first : {int64_t{-1}, int64_t{8}, int64_t{11}})
      CHECK(rows->read(found.data(), first, 3).status == Status::kInvalid);
    CHECK(rows->write(values.data(), 0, 11).status == Status::kInvalid);
    std::unique_ptr<DeviceRows> too_many;
    CHECK(DeviceRows::create(0, INT64_MAX, 3, too_many).status == Status::kOutOfDeviceMemory);
    CHECK(too_many == nullptr);
  }
  CHECK(device_bytes_held() == 0);
  CHECK(emulator::use().device_bytes == before.device_bytes);
}

TEST_CASE("what there is to run on is said without starting anything") {
  using State = Availability::State;
  const std::pair<emulator::DriverState, State> cases[] = {{emulator::DriverState::kNone, State::kNoDriver},
                                                           {emulator::DriverState::kOld, State::kDriverTooOld},
                                                           {emulator::DriverState::kNoDevice, State::kNoDevice},
                                                           {emulator::DriverState::kBroken, State::kBroken}};
  for (const auto& [driver, state] : cases) {
    emulator::set_driver(driver);
    CHECK(availability().state == state);
    CHECK((availability().error != 0) == (state == State::kBroken));
    CHECK(devices().empty());
    emulator::reset();
  }
  CHECK(availability().state == State::kReady);
  CHECK(availability().error == 0);
  emulator::set_device_count(2);
  REQUIRE(devices().size() == 2);
  CHECK_FALSE(devices()[1].name.empty());
  CHECK(devices()[1].memory_bytes > 0);
  emulator::reset();
  CHECK(describe_error(static_cast<int>(cudaErrorIllegalAddress)).find("cudaErrorIllegalAddress: ") == 0);
}

}  // namespace
}  // namespace circle::cuda
