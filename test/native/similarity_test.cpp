#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "test/native/engine_case.h"

namespace circle {
namespace {

struct Matrix {
  GuardedFloats values;
  Outcome outcome;

  Matrix(const cpu::Kernels& kernels, const Rows& rows) : values(rows.anchor_count * rows.candidate_count) {
    cpu::Engine engine(kernels);
    outcome = engine.similarity(rows, values.data(), nullptr);
  }
};

template <class Check>
void for_each_case(const Check& check) {
  const Definition definition = definitions().front();
  for (const cpu::Kernels* kernels : cpu::available_kernels())
    for (const Shape shape : {Shape{1, 1, 1, 1}, Shape{5, 9, 33, 1}, Shape{130, 97, 20, 1}, Shape{800, 211, 3, 1}})
      for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet})
        for (const Normalize normalize : {Normalize::kNo, Normalize::kL2}) {
          INFO(std::string(kernels->name), " ", shape.anchors, " x ", shape.candidates, " ", static_cast<int>(kind));
          const Data data(shape, kind);
          Rows rows = data.problem(definition).rows;
          rows.normalize = normalize;
          check(*kernels, rows);
        }
}

double norm(const float* row, int64_t dim) {
  double square = 0;
  for (int64_t d = 0; d < dim; ++d) square += double{row[d]} * row[d];
  return std::sqrt(square);
}

TEST_CASE("the similarity matrix is the product of the rows, in range, whatever the threads") {
  for_each_case([](const cpu::Kernels& kernels, Rows rows) {
    const Matrix found(kernels, rows);
    REQUIRE(found.outcome.ok());
    CHECK(found.values.guards_intact());
    bool right = true;
    for (int64_t i = 0; i < rows.anchor_count; ++i)
      for (int64_t j = 0; j < rows.candidate_count; ++j) {
        const float *a = rows.anchors + i * rows.dim, *b = rows.candidates + j * rows.dim;
        const bool unit = rows.normalize == Normalize::kL2;
        const double scale = unit ? 1 / (norm(a, rows.dim) * norm(b, rows.dim)) : 1;
        double exact = 0, size = 0;
        for (int64_t d = 0; d < rows.dim; ++d) {
          exact += double{a[d]} * b[d] * scale;
          size += std::fabs(double{a[d]} * b[d] * scale);
        }
        // One rounding a term, and four of the two normalisations.
        const float s = found.values[i * rows.candidate_count + j];
        right &= std::fabs(s - exact) <= static_cast<double>(rows.dim + 4) * kRounding * size;
        right &= !unit || std::fabs(s) <= 1;
      }
    CHECK(right);
    rows.threads = 3;
    CHECK(same_bits(Matrix(kernels, rows).values.values(), found.values.values()));
  });
}

TEST_CASE("similarities of the anchors among themselves are symmetric, bit for bit") {
  for_each_case([](const cpu::Kernels& kernels, const Rows& rows) {
    if (rows.candidate_kind != CandidateKind::kBatch) return;
    const Matrix found(kernels, rows);
    bool symmetric = true;
    for (int64_t i = 0; i < rows.anchor_count; ++i)
      for (int64_t j = 0; j < i; ++j)
        symmetric &= found.values[i * rows.anchor_count + j] == found.values[j * rows.anchor_count + i];
    CHECK(symmetric);
  });
}

TEST_CASE("the matrix is untouched where a row is not finite, or the call is aborted") {
  for_each_case([](const cpu::Kernels& kernels, Rows rows) {
    std::vector<float> anchors(rows.anchors, rows.anchors + rows.anchor_count * rows.dim);
    cpu::Engine engine(kernels);
    GuardedFloats out(rows.anchor_count * rows.candidate_count);
    const std::atomic<bool> abort{true};
    CHECK(engine.similarity(rows, out.data(), &abort).status == Status::kAborted);
    if (rows.candidates == rows.anchors) rows.candidates = anchors.data();
    rows.anchors = anchors.data();
    anchors.back() = NAN;
    const Outcome outcome = engine.similarity(rows, out.data(), nullptr);
    CHECK(outcome.status == Status::kNotFinite);
    CHECK(outcome.row == rows.anchor_count - 1);
    CHECK(out.untouched());
  });
}

}  // namespace
}  // namespace circle
