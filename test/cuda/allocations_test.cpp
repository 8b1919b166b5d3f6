// Memory of the host that is refused to the CUDA engine; that of the device is refused in failures_test.cpp.
#include "test/native/allocations.h"

#include <doctest/doctest.h>

#include <memory>
#include <new>
#include <vector>

#include "test/cuda/clean_device.h"
#include "test/cuda/search_case.h"
#include "test/emulator/in_driver.h"

namespace circle::cuda {
namespace {

constexpr Shape kUsual = {140, 150, 8, 12};

// The driver's allocations succeed: what it does without memory is its own business.
int64_t without_driver(int64_t succeeding) {
  set_exempt([] { return emulator::InDriver::now(); });
  return succeeding;
}
struct EngineAllocations : FailingAllocations {
  EngineAllocations(int64_t succeeding, Failing failing) : FailingAllocations(without_driver(succeeding), failing) {}
};

// run(succeeding) with each allocation failing in turn, until none has; how many there are.
template <class Run>
int fail_each(const Run& run) {
  for (int succeeding = 0;; ++succeeding)
    if (!run(succeeding)) return succeeding;
}

TEST_CASE("calls of the engine ask for no memory of the host but the driver's") {
  const CleanDevice clean;
  const auto engine = open_engine(Units::kTensor, 0);
  SearchData data(kUsual, CandidateKind::kSet);
  Problem problem = data.data.problem(definitions().front());
  problem.rows.workspace_limit = 0;
  Call call(problem), first(problem);
  NearestCall nearest(problem.rows, 15);
  const Runs runs = even_runs(problem.rows, 12);
  RankCall rank(runs);
  GuardedFloats matrix(problem.rows.anchor_count * problem.rows.candidate_count);
  Outcome of_matrix;
  bool asked = false;
  {
    const EngineAllocations allocations(0, Failing::kAll);
    call.run(*engine, problem);
    nearest.run(*engine, problem.rows);
    rank.run(*engine, problem.rows);
    of_matrix = engine->similarity(problem.rows, matrix.data(), nullptr);
    asked = allocations.any();
  }
  CHECK(!asked);
  CHECK(call.outcome.ok());
  CHECK(nearest.outcome.ok());
  CHECK(rank.outcome.ok());
  CHECK(of_matrix.ok());
  CHECK(call.same_bits_as(first.run(*open_engine(Units::kTensor, 0), problem)));
}

TEST_CASE("an engine without memory for itself is std::bad_alloc, which the binding expects") {
  const CleanDevice clean;
  const int allocations = fail_each([&](int succeeding) {
    std::unique_ptr<Engine> engine;
    const EngineAllocations failing(succeeding, Failing::kAll);
    try {
      engine = open_engine(Units::kTensor, 0);
    } catch (const std::bad_alloc&) {
    }
    return failing.any();
  });
  CHECK(allocations == 1);
}

TEST_CASE("rows for which the host has no memory are out of memory, and nothing of them stays on the device") {
  const CleanDevice clean;
  const int allocations = fail_each([&](int succeeding) {
    std::unique_ptr<DeviceRows> rows;
    Outcome outcome;
    bool failed = false;
    {
      const EngineAllocations failing(succeeding, Failing::kAll);
      outcome = DeviceRows::create(0, 4, 4, rows);
      failed = failing.any();
    }
    CHECK(outcome.status == (failed ? Status::kOutOfMemory : Status::kOk));
    CHECK((rows == nullptr) == failed);
    return failed;
  });
  CHECK(allocations == 1);
}

TEST_CASE("pinned memory that cannot be noted down is given back") {
  const CleanDevice clean;
  const int64_t before = emulator::use().pinned_bytes;
  const int allocations = fail_each([&](int succeeding) {
    float* memory = nullptr;
    bool failed = false;
    {
      const EngineAllocations failing(succeeding, Failing::kAll);
      memory = allocate_pinned(1000);
      failed = failing.any();
    }
    CHECK((memory == nullptr) == failed);
    free_pinned(memory);
    CHECK(emulator::use().pinned_bytes == before);
    return failed;
  });
  CHECK(allocations == 1);
}

TEST_CASE("a list of devices, or an error's words, without memory is std::bad_alloc and leaks nothing") {
  const CleanDevice clean;
  const int in_list = fail_each([&](int succeeding) {
    const EngineAllocations failing(succeeding, Failing::kOne);
    try {
      (void)devices();
    } catch (const std::bad_alloc&) {
    }
    return failing.any();
  });
  CHECK(in_list >= 1);
  const int in_words = fail_each([&](int succeeding) {
    const EngineAllocations failing(succeeding, Failing::kOne);
    try {
      (void)describe_error(2);
    } catch (const std::bad_alloc&) {
    }
    return failing.any();
  });
  CHECK(in_words >= 1);
}

}  // namespace
}  // namespace circle::cuda
