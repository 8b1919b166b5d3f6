#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "native/binding/admission.h"

namespace circle::binding {
namespace {

const std::atomic<bool> kNever{false};

// A thread that takes its share, says so, and gives it back when it is told to.
struct Caller {
  Caller(Admission& admission, int share, const std::atomic<bool>& abort = kNever)
      : thread([&admission, share, &abort, this] {
          entered = admission.enter_unless(share, abort);
          decided = true;
          while (entered && !leave) std::this_thread::yield();
          if (entered) admission.leave(share);
        }) {}
  ~Caller() {
    leave = true;
    thread.join();
  }
  void wait_until_decided() const {
    while (!decided) std::this_thread::yield();
  }

  std::atomic<bool> entered{false}, decided{false}, leave{false};
  std::thread thread;
};

// Long enough for a thread that may enter to have done so; one that may not never will, however slow the machine.
void let_others_run() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST_CASE("as many calls compute at once as have a share of the cores") {
  Admission admission(4);
  Caller team(admission, 2), single(admission, 1), other(admission, 1);
  for (const Caller* caller : {&team, &single, &other}) caller->wait_until_decided();
  Caller late(admission, 1);
  let_others_run();
  CHECK(!late.decided);
  other.leave = true;
  late.wait_until_decided();
  CHECK(late.entered);
}

TEST_CASE("a machine of one core lets one call with a team compute, alone") {
  Admission admission(1);
  Caller team(admission, Admission::share_of(8));
  team.wait_until_decided();
  CHECK(team.entered);
  Caller other(admission, 1);
  let_others_run();
  CHECK(!other.decided);
  team.leave = true;
  other.wait_until_decided();
}

TEST_CASE("nobody overtakes: a small call waits behind a large one that came before it") {
  Admission admission(2);
  Caller first(admission, 1);
  first.wait_until_decided();
  Caller large(admission, 2);
  let_others_run();
  Caller small(admission, 1);
  let_others_run();
  CHECK(!large.decided);
  CHECK(!small.decided);
  first.leave = true;
  large.wait_until_decided();
  let_others_run();
  CHECK(!small.decided);
  large.leave = true;
  small.wait_until_decided();
}

TEST_CASE("a call that is aborted leaves the queue, wherever it stands, and takes no share with it") {
  Admission admission(2);
  auto holder = std::make_unique<Caller>(admission, 2);
  holder->wait_until_decided();
  std::atomic<bool> abort{false};
  Caller before(admission, 1);
  let_others_run();
  Caller aborted(admission, 2, abort);
  let_others_run();
  Caller behind(admission, 1);
  let_others_run();
  abort = true;
  admission.wake();
  aborted.wait_until_decided();
  CHECK(!aborted.entered);
  CHECK(!before.decided);
  holder.reset();
  before.wait_until_decided();
  behind.wait_until_decided();
  CHECK(before.entered);
  CHECK(behind.entered);
}

}  // namespace
}  // namespace circle::binding
