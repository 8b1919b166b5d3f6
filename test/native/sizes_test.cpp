// Requests of absurd sizes: refused, or too large for any memory, but never a wild pointer or a number that wraps around.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "test/native/request_case.h"

namespace circle {
namespace {

using binding::RequestField;
using Kind = RequestCase::Kind;

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

// No count, and no choice.
const std::vector<double> kNothing = {-1,     -0.5,  0.5,    1.5,    -INT32_MAX, -0x1p53,    0x1p53 + 2, 0x1p63,
                                      0x1p64, 1e300, -1e300, 5e-324, kInfinity,  -kInfinity, kNaN};

const Data& data() {
  static const Data data({20, 30, 8, 4}, CandidateKind::kSet);
  return data;
}

Status status_with(Kind kind, RequestField field, double value) {
  RequestCase call(kind, data());
  call.set(field, value);
  const Outcome outcome = call.run(*open_shared_engine());
  CHECK(call.guards_intact());
  if (!outcome.ok()) CHECK(call.untouched());
  CHECK(call.reported(binding::ReportField::status) == static_cast<int>(outcome.status));
  return outcome.status;
}

TEST_CASE("a field that is no count and no choice of its own makes a request invalid") {
  for (const Kind kind : RequestCase::kKinds)
    for (const RequestField field : {RequestField::anchorCount, RequestField::candidateCount, RequestField::dim,
                                     RequestField::candidateKind, RequestField::normalize, RequestField::checkFinite,
                                     RequestField::threads, RequestField::workspaceLimit, RequestField::precision})
      for (const double value : kNothing) {
        INFO(static_cast<int>(kind), " ", static_cast<int>(field), " ", value);
        CHECK(status_with(kind, field, value) == Status::kInvalid);
      }
  for (const RequestField field :
       {RequestField::pairLoss, RequestField::scope, RequestField::reduction, RequestField::optimizer})
    for (const double value : kNothing) {
      INFO(static_cast<int>(field), " ", value);
      CHECK(status_with(Kind::kLoss, field, value) == Status::kInvalid);
    }
}

TEST_CASE("a count that its arrays contradict makes a request invalid, however the products wrap around") {
  for (const Kind kind : RequestCase::kKinds)
    for (const RequestField field : {RequestField::anchorCount, RequestField::candidateCount, RequestField::dim})
      for (const double value : {0.0, 1.0, 2147483647.0, 2147483648.0, 4294967296.0, 4294967304.0, 0x1p52, 0x1p53}) {
        INFO(static_cast<int>(kind), " ", static_cast<int>(field), " ", value);
        CHECK(status_with(kind, field, value) == Status::kInvalid);
      }
  // 2³² · 2³² is 0 in 64 bits.
  for (const Kind kind : RequestCase::kKinds) {
    RequestCase call(kind, data());
    call.set(RequestField::anchorCount, 0x1p32);
    call.set(RequestField::dim, 0x1p32);
    call.arrays().anchors.length = 0;
    CHECK(call.run(*open_shared_engine()).status == Status::kInvalid);
    CHECK(call.untouched());
  }
}

TEST_CASE("any number of threads and any limit of the workspace that is a count gives the same bits") {
  for (const Kind kind : RequestCase::kKinds) {
    RequestCase expected(kind, data());
    REQUIRE(expected.run(*open_shared_engine()).ok());
    for (const RequestField field : {RequestField::threads, RequestField::workspaceLimit})
      for (const double value : {1.0, 255.0, 1025.0, 2147483648.0, 4294967297.0, 0x1p53}) {
        RequestCase call(kind, data());
        call.set(field, value);
        REQUIRE(call.run(*open_shared_engine()).ok());
        CHECK(call.same_bits_as(expected));
      }
  }
}

TEST_CASE("a batch has no candidates of its own: no rows, no gradient, no update of them") {
  const auto status_of = [](const auto& change) {
    RequestCase call(Kind::kLoss, data());
    call.set(RequestField::candidateKind, 0);
    call.set(RequestField::candidateCount, 20);
    call.arrays().candidates = {};
    call.arrays().candidate_labels = {};
    call.arrays().candidate_gradient = {};
    change(call);
    const Status status = call.run(*open_shared_engine()).status;
    CHECK(call.guards_intact());
    if (status != Status::kOk) CHECK(call.untouched());
    return status;
  };
  std::vector<float> rows(20 * 8);
  std::vector<int32_t> integers(20);
  CHECK(status_of([](RequestCase&) {}) == Status::kOk);
  CHECK(status_of([&](RequestCase& call) {
          call.arrays().candidates.on_host = {rows.data(), 160};
        }) == Status::kInvalid);
  CHECK(status_of([&](RequestCase& call) {
          call.arrays().candidate_gradient = {rows.data(), 160};
        }) == Status::kInvalid);
  CHECK(status_of([&](RequestCase& call) {
          call.arrays().candidate_labels = {integers.data(), 20};
        }) == Status::kInvalid);
  CHECK(status_of([&](RequestCase& call) {
          call.arrays().candidate_rows = {integers.data(), 20};
        }) == Status::kInvalid);
  CHECK(status_of([](RequestCase& call) { call.set(RequestField::optimizer, 1); }) == Status::kInvalid);
}

// Rows that nobody has: lengths up to what a process can address, with nothing behind the pointers.
struct AbsentRows {
  int64_t anchors, candidates, dim;
};

constexpr int64_t kMost = int64_t{1} << 45, kInt = INT32_MAX;
const std::vector<AbsentRows> kAbsent = {{kMost, 1, 1},
                                         {1, kInt, 1},
                                         {kMost, kInt, 1},
                                         {1, 1, kMost},
                                         {3, 3, kMost / 3},
                                         {kInt, kInt, 16384},
                                         {97, 800, kMost / 800},
                                         {769, 1, kMost / 769},
                                         {kMost / 33, 7, 33},
                                         {kInt, 1, 16385 - 1},
                                         {100000, 100000, int64_t{1} << 28}};

template <class Check>
void for_each_absent(const Check& check) {
  for (const AbsentRows& absent : kAbsent)
    for (const double limit : {0.0, 1e9, 0x1p53})
      for (const double threads : {1.0, 3.0}) {
        INFO(absent.anchors, " x ", absent.candidates, " of ", absent.dim, ", ", limit, " bytes, ", threads);
        check(absent, limit, threads);
      }
}

void describe(RequestCase& call, const AbsentRows& absent, double limit, double threads) {
  call.set(RequestField::anchorCount, static_cast<double>(absent.anchors));
  call.set(RequestField::candidateCount, static_cast<double>(absent.candidates));
  call.set(RequestField::dim, static_cast<double>(absent.dim));
  call.set(RequestField::workspaceLimit, limit);
  call.set(RequestField::threads, threads);
  binding::CallArrays& arrays = call.arrays();
  arrays.anchors.length = absent.anchors * absent.dim;
  arrays.candidates.on_host.length = absent.candidates * absent.dim;
  arrays.anchor_labels.length = arrays.anchor_losses.length = absent.anchors;
  arrays.candidate_labels.length = absent.candidates;
  if (arrays.gradient.data) arrays.gradient.length = arrays.anchors.length;
  if (arrays.candidate_gradient.data) arrays.candidate_gradient.length = arrays.candidates.on_host.length;
  if (arrays.first_moment.on_host.data) arrays.first_moment.on_host.length = arrays.candidates.on_host.length;
}

TEST_CASE("a loss of more rows than there is memory for is out of memory, and no number on the way wraps around") {
  for (const Kind kind : {Kind::kLoss, Kind::kMovingLoss})
    for_each_absent([&](const AbsentRows& absent, double limit, double threads) {
      for (const int definition : {1, 3}) {
        RequestCase call(kind, data());
        call.set(RequestField::pairLoss, definition);
        describe(call, absent, limit, threads);
        CHECK(call.run(*open_shared_engine()).status == Status::kOutOfMemory);
        CHECK(call.untouched());
      }
    });
}

TEST_CASE("a batch, a matrix and a search of more rows than there is memory for are out of memory") {
  for_each_absent([&](const AbsentRows& absent, double limit, double threads) {
    for (const Kind kind : {Kind::kSimilarity, Kind::kNearest}) {
      RequestCase call(kind, data());
      describe(call, absent, limit, threads);
      binding::CallArrays& arrays = call.arrays();
      const bool is_matrix = kind == Kind::kSimilarity;
      if (is_matrix && absent.anchors > INT64_MAX / absent.candidates) continue;
      (is_matrix ? arrays.gradient : arrays.similarities).length = absent.anchors * (is_matrix ? absent.candidates : 1);
      arrays.counts.length = is_matrix ? 0 : absent.anchors;
      CHECK(call.run(*open_shared_engine()).status == Status::kOutOfMemory);
      CHECK(call.untouched());
    }
    if (absent.anchors != absent.candidates) return;
    for (const Kind kind : {Kind::kSimilarity, Kind::kLoss}) {
      RequestCase batch(kind, data());
      describe(batch, absent, limit, threads);
      batch.set(RequestField::candidateKind, 0);
      binding::CallArrays& arrays = batch.arrays();
      arrays.candidates = {};
      arrays.candidate_labels = {};
      arrays.candidate_gradient = {};
      if (kind == Kind::kSimilarity) arrays.gradient.length = absent.anchors * absent.candidates;
      CHECK(batch.run(*open_shared_engine()).status == Status::kOutOfMemory);
      CHECK(batch.untouched());
    }
  });
}

TEST_CASE("lengths beyond what a process can address are invalid") {
  for (const int64_t length : {kMost + 1, int64_t{1} << 53, INT64_MAX}) {
    RequestCase call(Kind::kLoss, data());
    call.set(RequestField::anchorCount, static_cast<double>(length < INT64_MAX ? length : 1));
    call.set(RequestField::dim, 1);
    call.arrays().anchors.length = length;
    CHECK(call.run(*open_shared_engine()).status == Status::kInvalid);
    RequestCase other(Kind::kLoss, data());
    other.arrays().candidates.on_host.length = length;
    CHECK(other.run(*open_shared_engine()).status == Status::kInvalid);
  }
}

}  // namespace
}  // namespace circle
