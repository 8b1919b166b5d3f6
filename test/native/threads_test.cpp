// Threads that the system refuses.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "native/cpu/thread_pool.h"
#include "test/native/allocations.h"
#include "test/native/request_case.h"

namespace {

constexpr int kAny = -1;
std::atomic<int> threads_left{kAny};

}  // namespace

// The C++ library's calls come here, because the program's own symbols come first.
extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*start)(void*), void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const Create create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_left == 0) return EAGAIN;
  if (threads_left > 0) --threads_left;
  return create(thread, attributes, start, argument);
}

namespace circle {
namespace {

constexpr int kWanted = 8;

TEST_CASE("where the system refuses threads, now or later, those that there are compute the same bits") {
  const Data data({200, 230, 37, 12}, CandidateKind::kSet);
  for (const RequestCase::Kind kind : RequestCase::kKinds) {
    RequestCase expected(kind, data);
    expected.set(binding::RequestField::threads, 1);
    REQUIRE(expected.run(*open_shared_engine()).ok());
    // The pool, which is the process's, grows by none, then by one after the other.
    for (int more = 0; more < 3; ++more) {
      threads_left = more > 0 ? 1 : 0;
      RequestCase call(kind, data);
      call.set(binding::RequestField::threads, kWanted);
      const Outcome outcome = call.run(*open_shared_engine());
      threads_left = kAny;
      REQUIRE(outcome.ok());
      CHECK(call.guards_intact());
      CHECK(call.same_bits_as(expected));
    }
  }
}

// Threads that the pool of this process has already, which no team has to ask for.
int workers() {
  threads_left = 0;
  int size = 0;
  {
    const cpu::ThreadTeam team(200, nullptr);
    size = team.size();
  }
  threads_left = kAny;
  return size - 1;
}

TEST_CASE("a team has as many threads as the system gives, none of them twice") {
  const int before = workers(), wanted = before + kWanted;
  for (int given = 0; given < kWanted - 1; ++given) {
    threads_left = given > 0 ? 1 : 0;
    int size = 0;
    {
      const cpu::ThreadTeam team(wanted, nullptr);
      size = team.size();
    }
    threads_left = kAny;
    CHECK(size == 1 + before + given);
  }
  const cpu::ThreadTeam whole(wanted, nullptr);
  CHECK(whole.size() == wanted);
}

TEST_CASE("a team does without a thread for which there is no memory") {
  const int before = workers(), wanted = before + kWanted;
  int size = 0, later = 0;
  {
    const FailingAllocations allocations(0);
    const cpu::ThreadTeam team(wanted, nullptr);
    size = team.size();
  }
  {
    const cpu::ThreadTeam team(wanted, nullptr);
    later = team.size();
  }
  CHECK(size == 1 + before);
  CHECK(later == wanted);
}

}  // namespace
}  // namespace circle
