#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "test/cuda/cores.h"

namespace circle::cuda {
namespace {

template <class Check>
void for_each_case(const Check& check) {
  const Definition definition = definitions().front();
  for (const ChosenCore& core : kCores)
    for (const Shape shape : {Shape{1, 1, 1, 1}, Shape{5, 9, 33, 1}, Shape{260, 140, 20, 1}, Shape{130, 290, 3, 1}})
      for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet})
        for (const Normalize normalize : {Normalize::kNo, Normalize::kL2})
          for (const int64_t limit : {int64_t{0}, int64_t{64} << 20}) {
            INFO(core.name, " ", shape.anchors, " x ", shape.candidates, " ", static_cast<int>(kind), " ", limit);
            const Data data(shape, kind);
            Rows rows = core.of(data.problem(definition)).rows;
            rows.normalize = normalize;
            rows.workspace_limit = limit;
            check(core, rows);
          }
}

double norm(const float* row, int64_t dim) {
  double square = 0;
  for (int64_t d = 0; d < dim; ++d) square += double{row[d]} * row[d];
  return std::sqrt(square);
}

TEST_CASE("the similarity matrix is the product of the rows, in range") {
  for_each_case([](const ChosenCore& core, const Rows& rows) {
    GuardedFloats found(rows.anchor_count * rows.candidate_count);
    REQUIRE(core.open()->similarity(rows, found.data(), nullptr).ok());
    CHECK(found.guards_intact());
    const bool unit = rows.normalize == Normalize::kL2;
    // One rounding a term, and four of the two normalisations; those of operands on top.
    const double share = static_cast<double>(rows.dim + 4) * kRounding + (unit ? 2 * core.coordinate_error : 0);
    bool right = true;
    for (int64_t i = 0; i < rows.anchor_count; ++i)
      for (int64_t j = 0; j < rows.candidate_count; ++j) {
        const float *a = rows.anchors + i * rows.dim, *b = rows.candidates + j * rows.dim;
        const double scale = unit ? 1 / (norm(a, rows.dim) * norm(b, rows.dim)) : 1;
        double exact = 0, size = 0;
        for (int64_t d = 0; d < rows.dim; ++d) {
          exact += double{a[d]} * b[d] * scale;
          size += std::fabs(double{a[d]} * b[d] * scale);
        }
        const float s = found[i * rows.candidate_count + j];
        right &= std::fabs(s - exact) <= share * size;
        right &= !unit || std::fabs(s) <= 1;
      }
    CHECK(right);
  });
}

TEST_CASE("similarities of the anchors among themselves are symmetric, bit for bit") {
  for_each_case([](const ChosenCore& core, const Rows& rows) {
    if (rows.candidate_kind != CandidateKind::kBatch) return;
    GuardedFloats found(rows.anchor_count * rows.anchor_count);
    REQUIRE(core.open()->similarity(rows, found.data(), nullptr).ok());
    bool symmetric = true;
    for (int64_t i = 0; i < rows.anchor_count; ++i)
      for (int64_t j = 0; j < i; ++j) symmetric &= found[i * rows.anchor_count + j] == found[j * rows.anchor_count + i];
    CHECK(symmetric);
  });
}

TEST_CASE("a pinned matrix is the same as any other, with many panels in flight") {
  const Data data({130, 900, 20, 1}, CandidateKind::kSet);
  Rows rows = data.problem(definitions().front()).rows;
  rows.workspace_limit = 0;
  const auto engine = open_engine(Units::kTensor, 0);
  const int64_t count = rows.anchor_count * rows.candidate_count;
  GuardedFloats expected(count);
  float* const pinned = allocate_pinned(count);
  REQUIRE(pinned != nullptr);
  REQUIRE(engine->similarity(rows, expected.data(), nullptr).ok());
  REQUIRE(engine->similarity(rows, pinned, nullptr).ok());
  CHECK(same_bits({pinned, pinned + count}, expected.values()));
  free_pinned(pinned);
}

TEST_CASE("the matrix is untouched where a row is not finite, or the call is aborted") {
  for_each_case([](const ChosenCore& core, Rows rows) {
    std::vector<float> anchors(rows.anchors, rows.anchors + rows.anchor_count * rows.dim);
    const auto engine = core.open();
    GuardedFloats out(rows.anchor_count * rows.candidate_count);
    const std::atomic<bool> abort{true};
    CHECK(engine->similarity(rows, out.data(), &abort).status == Status::kAborted);
    if (rows.candidates == rows.anchors) rows.candidates = anchors.data();
    rows.anchors = anchors.data();
    anchors.back() = NAN;
    const Outcome outcome = engine->similarity(rows, out.data(), nullptr);
    CHECK(outcome.status == Status::kNotFinite);
    CHECK(outcome.row == rows.anchor_count - 1);
    CHECK(out.untouched());
  });
}

}  // namespace
}  // namespace circle::cuda
