#include <doctest/doctest.h>

#if defined(__linux__)
#include <sys/resource.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "native/cpu/thread_pool.h"

namespace circle::cpu {
namespace {

// Plain integers: that one iteration's writes are its own, and seen by the caller, is part of what is tested.
std::vector<int> counts(ThreadTeam& team, int64_t count) {
  std::vector<int> seen(static_cast<size_t>(count));
  team.for_each(count, [&](int64_t i, int) { ++seen[static_cast<size_t>(i)]; });
  return seen;
}

bool all_once(const std::vector<int>& seen) {
  for (const int times : seen)
    if (times != 1) return false;
  return true;
}

TEST_CASE("a loop runs every iteration once, on workers below the team's size") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadTeam team(threads, nullptr);
    CHECK(team.size() >= 1);
    CHECK(team.size() <= threads);
    for (const int64_t count : {0, 1, 2, 3, 100, 1000}) CHECK(all_once(counts(team, count)));
    std::atomic<bool> known{true};
    team.for_each(100, [&](int64_t, int worker) {
      if (worker < 0 || worker >= team.size()) known = false;
    });
    CHECK(known);
  }
}

TEST_CASE("many short loops after each other, with and without a pause for the workers to sleep") {
  ThreadTeam team(4, nullptr);
  int64_t sum = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<int64_t> parts(5);
    team.for_each(5, [&](int64_t i, int) { parts[static_cast<size_t>(i)] = i * round; });
    sum += std::accumulate(parts.begin(), parts.end(), int64_t{0});
    if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(sum == int64_t{10} * 3000 * 2999 / 2);
}

#if defined(__linux__)
TEST_CASE("workers are nicer than who calls") {
  const auto niceness = [] { return getpriority(PRIO_PROCESS, 0); };
  ThreadTeam team(2, nullptr);
  if (team.size() < 2) return;  // a machine that allows no more threads
  std::atomic<int> of_worker{-100};
  while (of_worker == -100)
    team.for_each(2, [&](int64_t, int worker) {
      if (worker > 0) of_worker = niceness();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  CHECK(of_worker == std::min(19, niceness() + ThreadTeam::kNiceness));
}
#endif

TEST_CASE("uneven iterations: a slow one holds up only itself") {
  ThreadTeam team(3, nullptr);
  std::vector<int> seen(64);
  team.for_each(64, [&](int64_t i, int) {
    if (i % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ++seen[static_cast<size_t>(i)];
  });
  CHECK(all_once(seen));
}

TEST_CASE("a worker has one iteration at a time") {
  ThreadTeam team(4, nullptr);
  std::vector<std::atomic<int>> inside(static_cast<size_t>(team.size()));
  std::atomic<bool> alone{true};
  for (int round = 0; round < 200; ++round)
    team.for_each(50, [&](int64_t, int worker) {
      std::atomic<int>& mine = inside[static_cast<size_t>(worker)];
      if (mine.fetch_add(1) != 0) alone = false;
      mine.fetch_sub(1);
    });
  CHECK(alone);
}

TEST_CASE("calls from two threads at once, with teams inside of teams, all come to an end") {
  std::atomic<int64_t> total{0};
  const auto call = [&] {
    for (int round = 0; round < 200; ++round) {
      ThreadTeam team(3, nullptr);
      team.for_each(8, [&](int64_t, int) {
        ThreadTeam inner(3, nullptr);
        inner.for_each(4, [&](int64_t, int) { total.fetch_add(1); });
      });
    }
  };
  std::thread first(call), second(call);
  first.join();
  second.join();
  CHECK(total == 2 * 200 * 8 * 4);
}

TEST_CASE("workers take numbers below the smallest normal one for 0") {
  ThreadTeam team(2, nullptr);
  REQUIRE(team.size() == 2);
  std::atomic<int> entered{0};
  float product[2] = {1, 1};
  team.for_each(2, [&](int64_t, int worker) {
    entered.fetch_add(1);
    while (entered.load() < 2) std::this_thread::yield();  // each has one of the two iterations
    volatile float small = 1e-30f;
    product[worker] = small * 1e-12f;
  });
  CHECK(product[0] > 0);  // the caller's mode is the caller's business
  CHECK(product[1] == 0);
}

TEST_CASE("an aborted loop ends early, and the next team's loop is whole") {
  for (const int threads : {1, 4}) {
    std::atomic<bool> abort{false};
    std::atomic<int64_t> done{0};
    {
      ThreadTeam team(threads, &abort);
      team.for_each(1'000'000, [&](int64_t, int) {
        const int64_t before = done.fetch_add(1);
        if (before == 1000) abort = true;
        while (before > 1000 && !abort) std::this_thread::yield();
      });
      CHECK(team.aborted());
      // Each thread may have taken one more.
      CHECK(done >= 1001);
      CHECK(done <= 1001 + team.size());
      team.for_each(10, [&](int64_t, int) { done = -1; });
      CHECK(done > 0);
    }
    ThreadTeam next(threads, nullptr);
    CHECK(!next.aborted());
    CHECK(all_once(counts(next, 100)));
  }
}

}  // namespace
}  // namespace circle::cpu
