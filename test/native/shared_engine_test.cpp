// One session's engine, wanted by several threads at once: what ThreadSanitizer has to see.
#include "native/binding/shared_engine.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "test/native/request_case.h"

namespace circle {
namespace {

using binding::SharedEngine;
using binding::WhenTaken;
using Kind = RequestCase::Kind;

constexpr int kThreads = 4, kCalls = 6;
constexpr WhenTaken kWhenTaken[] = {WhenTaken::kOpenAnother, WhenTaken::kWait};

const Data& data() {
  static const Data data({100, 110, 37, 12}, CandidateKind::kSet);
  return data;
}

template <class Run>
void on_threads(const Run& run) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back([&run, thread] { run(thread); });
  for (std::thread& thread : threads) thread.join();
}

Kind kind_of(int number) {
  return RequestCase::kKinds[static_cast<size_t>(number) % std::size(RequestCase::kKinds)];
}

// Each kind of call, alone.
struct Alone {
  std::vector<std::unique_ptr<RequestCase>> calls;
  Alone() {
    for (const Kind kind : RequestCase::kKinds) {
      calls.push_back(std::make_unique<RequestCase>(kind, data()));
      REQUIRE(calls.back()->run(*open_shared_engine()).ok());
    }
  }
  const RequestCase& like(int number) const { return *calls[static_cast<size_t>(number) % calls.size()]; }
};

TEST_CASE("calls from several threads to engines of their own give the bits of a call alone") {
  const Alone alone;
  std::atomic<int> wrong{0};
  on_threads([&](int thread) {
    const std::shared_ptr<SharedEngine> engine = open_shared_engine();
    for (int i = 0; i < kCalls; ++i) {
      RequestCase call(kind_of(thread + i), data());
      if (!call.run(*engine).ok() || !call.same_bits_as(alone.like(thread + i)) || !call.guards_intact()) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("calls from several threads to one engine give the bits of a call alone, whether they wait or open another") {
  const Alone alone;
  for (const WhenTaken when_taken : kWhenTaken) {
    set_when_taken(when_taken);
    const std::shared_ptr<SharedEngine> engine = open_shared_engine();
    std::atomic<int> wrong{0};
    on_threads([&](int thread) {
      for (int i = 0; i < kCalls; ++i) {
        RequestCase call(kind_of(thread + i), data());
        if (!call.run(*engine).ok() || !call.same_bits_as(alone.like(thread + i))) ++wrong;
      }
    });
    CHECK(wrong == 0);
    CHECK(engine->workspace_bytes() > 0);
  }
}

TEST_CASE("a workspace that is released during calls is gone after them, and changes no bit") {
  const Alone alone;
  for (const WhenTaken when_taken : kWhenTaken) {
    set_when_taken(when_taken);
    const std::shared_ptr<SharedEngine> engine = open_shared_engine();
    std::atomic<int> wrong{0}, running{kThreads};
    std::thread releasing([&] {
      while (running > 0) {
        engine->release();
        (void)engine->take_growth();
        std::this_thread::yield();
      }
    });
    on_threads([&](int thread) {
      for (int i = 0; i < kCalls; ++i) {
        RequestCase call(kind_of(thread + i), data());
        if (!call.run(*engine).ok() || !call.same_bits_as(alone.like(thread + i))) ++wrong;
      }
      --running;
    });
    releasing.join();
    CHECK(wrong == 0);
    engine->release();
    CHECK(engine->workspace_bytes() == 0);
  }
}

TEST_CASE("a release that is asked for within a call is made at its end") {
  const std::shared_ptr<SharedEngine> engine = open_shared_engine();
  RequestCase call(Kind::kLoss, data());
  int64_t within = 0;
  const Outcome outcome = engine->with_engine(Rows{}, nullptr, [&](Engine& e) {
    Problem problem = data().problem(definitions().front());
    Call inner(problem);
    inner.run(e, problem);
    engine->release();
    within = e.workspace_bytes();
    return inner.outcome;
  });
  CHECK(outcome.ok());
  CHECK(within > 0);
  CHECK(engine->workspace_bytes() == 0);
  CHECK(call.run(*engine).ok());
}

TEST_CASE("calls that are aborted, waiting or at work, end so or well, and those beside them have the right bits") {
  const Alone alone;
  for (const WhenTaken when_taken : kWhenTaken) {
    set_when_taken(when_taken);
    const std::shared_ptr<SharedEngine> engine = open_shared_engine();
    std::atomic<bool> aborts[kThreads] = {};
    std::atomic<int> wrong{0}, running{kThreads};
    std::thread aborting([&] {
      // Every second one: flag first, then whoever waits is woken, as the abort of a job does it.
      for (int turn = 0; running > 0; ++turn) {
        aborts[turn % kThreads / 2 * 2] = true;
        engine->wake();
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
    on_threads([&](int thread) {
      for (int i = 0; i < kCalls; ++i) {
        aborts[thread] = false;
        RequestCase call(kind_of(thread + i), data());
        const Outcome outcome = call.run(*engine, &aborts[thread]);
        const bool may_abort = thread % 2 == 0;
        if (outcome.status != Status::kOk && !(may_abort && outcome.status == Status::kAborted)) ++wrong;
        if (outcome.ok() && !call.same_bits_as(alone.like(thread + i))) ++wrong;
        if (!call.guards_intact()) ++wrong;
      }
      --running;
    });
    aborting.join();
    CHECK(wrong == 0);
  }
}

TEST_CASE("a call that waits for its turn ends when it is aborted, and not before") {
  set_when_taken(WhenTaken::kWait);
  const std::shared_ptr<SharedEngine> engine = open_shared_engine();
  std::atomic<bool> abort{false}, ended{false};
  Status status = Status::kOk;
  RequestCase call(Kind::kLoss, data());
  std::thread waiting;
  bool early = true;
  engine->with_engine(Rows{}, nullptr, [&](Engine&) {
    waiting = std::thread([&] {
      status = call.run(*engine, &abort).status;
      ended = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    early = ended;
    abort = true;
    engine->wake();
    waiting.join();  // the engine is still taken
    return Outcome{};
  });
  CHECK(!early);
  CHECK(status == Status::kAborted);
  CHECK(call.untouched());
}

TEST_CASE("what a workspace weighs is told once, and taken back when its session is gone") {
  const std::shared_ptr<SharedEngine> engine = open_shared_engine();
  RequestCase call(Kind::kLoss, data());
  REQUIRE(call.run(*engine).ok());
  const int64_t growth = engine->take_growth();
  CHECK(growth == engine->workspace_bytes());
  CHECK(engine->take_growth() == 0);
  engine->close();
  CHECK(engine->take_growth() == -growth);
  CHECK(engine->take_growth() == 0);
}

}  // namespace
}  // namespace circle
