#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "test/native/search_case.h"

namespace circle {
namespace {

// Few different numbers, so that many similarities are equal.
std::vector<float> coarse(std::vector<float> numbers) {
  for (float& number : numbers) number = std::round(2 * number);
  return numbers;
}

template <class Check>
void for_each_case(const std::vector<Shape>& shapes, const Check& check) {
  const Definition definition = definitions().front();
  for (const cpu::Kernels* kernels : cpu::available_kernels())
    for (const Shape shape : shapes)
      for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet}) {
        INFO(std::string(kernels->name), " ", shape.anchors, " x ", shape.candidates, " ", static_cast<int>(kind));
        Data data(shape, kind);
        data.anchors = coarse(data.anchors);
        data.candidates = coarse(data.candidates);
        check(*kernels, data, data.problem(definition).rows);
      }
}

std::vector<float> matrix_of(Engine& engine, const Rows& rows) {
  std::vector<float> matrix(static_cast<size_t>(rows.anchor_count * rows.candidate_count));
  REQUIRE(engine.similarity(rows, matrix.data(), nullptr).ok());
  return matrix;
}

// One tile and several, whole ones and others; a panel of candidates and, where there is little memory, several.
const std::vector<Shape> kShapes = {{2, 3, 1, 1}, {97, 40, 5, 1}, {192, 384, 9, 1}, {800, 211, 3, 1}};

template <class SearchCall>
void check_search(Engine& engine, Rows rows, int64_t size, const std::vector<float>& matrix) {
  SearchCall expected(rows, size);
  REQUIRE(expected.run(engine, rows).outcome.ok());
  CHECK(is_right(expected, rows, matrix));
  rows.threads = 3;
  rows.workspace_limit = 1;
  SearchCall call(rows, size);
  REQUIRE(call.run(engine, rows).outcome.ok());
  CHECK(call.guards_intact());
  CHECK(call.same_as(expected));
}

TEST_CASE("nearest candidates and ranks are those of the matrix, whatever the threads and the memory") {
  for_each_case(kShapes, [](const cpu::Kernels& kernels, Data&, Rows rows) {
    cpu::Engine engine(kernels);
    for (const Normalize normalize : {Normalize::kL2, Normalize::kNo}) {
      rows.normalize = normalize;
      const std::vector<float> matrix = matrix_of(engine, rows);
      const int64_t most = rows.candidate_count - (rows.candidate_kind == CandidateKind::kBatch ? 1 : 0);
      for (const int64_t k : {int64_t{1}, std::min(int64_t{20}, most), most})
        check_search<NearestCall>(engine, rows, k, matrix);
      // Counting for few thresholds and for many.
      for (const int64_t length : {1, 7, 70}) check_search<RankCall>(engine, rows, length, matrix);
    }
  });
}

TEST_CASE("cosines that round past −1 are equal to those that do not") {
  // Opposite rows of other lengths: their cosines are −1, give or take a rounding, and the matrix says −1 of all.
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    Data data({1, 200, 24, 1}, CandidateKind::kSet);
    for (int64_t row = 0; row < 200; ++row)
      for (int64_t d = 0; d < 24; ++d)
        data.candidates[static_cast<size_t>(row * 24 + d)] =
            -data.anchors[static_cast<size_t>(d)] * (1 + 0.37f * static_cast<float>(row));
    const Rows rows = data.problem(definitions().front()).rows;
    cpu::Engine engine(*kernels);
    const std::vector<float> matrix = matrix_of(engine, rows);
    RankCall rank(rows, 10);
    REQUIRE(rank.run(engine, rows).outcome.ok());
    CHECK(is_right(rank, rows, matrix));
    NearestCall nearest(rows, 150);
    REQUIRE(nearest.run(engine, rows).outcome.ok());
    CHECK(is_right(nearest, rows, matrix));
  }
}

TEST_CASE("a search touches no result where a row is not finite, or it is aborted before it begins") {
  for_each_case({{200, 230, 37, 1}}, [](const cpu::Kernels& kernels, Data& data, const Rows& rows) {
    cpu::Engine engine(kernels);
    std::vector<float>& bad = rows.candidate_kind == CandidateKind::kBatch ? data.anchors : data.candidates;
    bad[131 * 37 + 5] = NAN;
    NearestCall nearest(rows, 3);
    RankCall rank(rows, 7);
    for (const Outcome& outcome : {nearest.run(engine, rows).outcome, rank.run(engine, rows).outcome}) {
      CHECK(outcome.status == Status::kNotFinite);
      CHECK(outcome.row == 131);
    }
    CHECK(nearest.untouched());
    CHECK(rank.untouched());
    bad[131 * 37 + 5] = 0;
    const std::atomic<bool> abort{true};
    CHECK(nearest.run(engine, rows, &abort).outcome.status == Status::kAborted);
    CHECK(rank.run(engine, rows, &abort).outcome.status == Status::kAborted);
  });
}

TEST_CASE("what is found beyond float32 is an overflow") {
  for_each_case({{20, 30, 5, 1}}, [](const cpu::Kernels& kernels, Data& data, Rows rows) {
    rows.normalize = Normalize::kNo;
    for (float& value : data.anchors) value *= 1e20f;
    for (float& value : data.candidates) value *= 1e20f;
    cpu::Engine engine(kernels);
    CHECK(NearestCall(rows, 3).run(engine, rows).outcome.status == Status::kOverflow);
    CHECK(RankCall(rows, 7).run(engine, rows).outcome.status == Status::kOverflow);
  });
}

}  // namespace
}  // namespace circle
