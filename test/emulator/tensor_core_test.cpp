#include "test/emulator/tensor_core.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "test/emulator/half.h"

namespace circle::cuda::emulator {
namespace {

struct Problem {
  uint16_t a[16][16], b[16][8];
  float c[16][8];
};

Problem zeros() {
  Problem problem{};
  return problem;
}

// Dealt out and collected by the drawings of the PTX manual, not by the emulator's own tables.
Problem multiplied(const Problem& given, Accumulation accumulation) {
  struct Lane {
    float c[4];
    uint32_t a[4], b[2];
  };
  std::vector<Lane> lanes(32);
  const auto halves = [](uint16_t low, uint16_t high) { return low | static_cast<uint32_t>(high) << 16; };
  for (int lane = 0; lane < 32; ++lane) {
    const int group = lane >> 2, in_group = lane % 4;
    for (int i = 0; i < 4; ++i) {
      // a: row = group for i of 0 and 2, else group + 8; column = in_group · 2, + 8 from i = 2 on.
      const int row = i == 0 || i == 2 ? group : group + 8, column = in_group * 2 + (i >= 2 ? 8 : 0);
      lanes[lane].a[i] = halves(given.a[row][column], given.a[row][column + 1]);
      // c: row = group for i < 2, else group + 8; column = in_group · 2 + (i & 1).
      lanes[lane].c[i] = given.c[i < 2 ? group : group + 8][in_group * 2 + (i & 1)];
    }
    for (int i = 0; i < 2; ++i) {
      const int row = in_group * 2 + (i == 0 ? 0 : 8);
      lanes[lane].b[i] = halves(given.b[row][group], given.b[row + 1][group]);
    }
  }
  std::vector<MultiplyAdd> operands;
  for (Lane& lane : lanes) operands.push_back({lane.c, lane.a, lane.b});
  void* pointers[32];
  for (int lane = 0; lane < 32; ++lane) pointers[lane] = &operands[lane];
  multiply_add(pointers, accumulation);
  Problem result = given;
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      result.c[i < 2 ? lane >> 2 : (lane >> 2) + 8][lane % 4 * 2 + (i & 1)] = lanes[lane].c[i];
  return result;
}

// Number by number, in doubles, which hold every number of it exactly.
double cut_off(double x, int exponent) {
  return std::ldexp(std::trunc(std::ldexp(x, -exponent)), exponent);
}
float truncated_sum(const Problem& given, int row, int column) {
  double sum = given.c[row][column];
  for (int first = 0; first < 16; first += 8) {
    std::vector<double> terms = {sum};
    for (int k = first; k < first + 8; ++k)
      terms.push_back(double{from_half(given.a[row][k])} * from_half(given.b[k][column]));
    double largest = 0;
    for (const double term : terms) largest = std::max(largest, std::fabs(term));
    if (largest == 0) continue;
    const int exponent = std::ilogb(largest);
    sum = 0;
    for (const double term : terms) sum += cut_off(term, exponent - 24);
    if (sum != 0) sum = cut_off(sum, std::ilogb(sum) - 23);
  }
  return static_cast<float>(sum);
}

TEST_CASE("integers are multiplied exactly, and every number is where PTX says") {
  Problem problem = zeros();
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < 16; ++k) problem.a[row][k] = to_half(static_cast<float>((row * 16 + k) * 7 % 61 - 30));
  for (int k = 0; k < 16; ++k)
    for (int column = 0; column < 8; ++column)
      problem.b[k][column] = to_half(static_cast<float>((k * 8 + column) * 11 % 53 - 26));
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) problem.c[row][column] = static_cast<float>(row * 1000 + column);
  for (const Accumulation accumulation : {Accumulation::kTruncated, Accumulation::kRounded}) {
    const Problem result = multiplied(problem, accumulation);
    for (int row = 0; row < 16; ++row)
      for (int column = 0; column < 8; ++column) {
        float sum = problem.c[row][column];
        for (int k = 0; k < 16; ++k) sum += from_half(problem.a[row][k]) * from_half(problem.b[k][column]);
        CHECK(result.c[row][column] == sum);
      }
  }
}

TEST_CASE("sums are truncated bit by bit like the model, whatever the exponents") {
  std::mt19937 random(3);
  bool right = true;
  for (int round = 0; round < 2000; ++round) {
    Problem problem;
    const auto any_half = [&] {
      const uint16_t half = static_cast<uint16_t>(random());
      return round % 3 == 0 ? to_half(static_cast<float>(random() % 4096) / 4096 - 0.5f)
                            : static_cast<uint16_t>((half & 0x7c00) == 0x7c00 ? half & 0x83ff : half);
    };
    for (auto& row : problem.a)
      for (uint16_t& half : row) half = any_half();
    for (auto& row : problem.b)
      for (uint16_t& half : row) half = any_half();
    for (auto& row : problem.c)
      for (float& c : row)
        c = std::ldexp(static_cast<float>(random() % 16777216) - 8388608, static_cast<int>(random() % 60) - 50);
    const Problem result = multiplied(problem, Accumulation::kTruncated);
    for (int row = 0; row < 16; ++row)
      for (int column = 0; column < 8; ++column) right &= result.c[row][column] == truncated_sum(problem, row, column);
  }
  CHECK(right);
}

// Sixteen times 2⁻²⁵ beside 1: each alone is below the 24 bits that are kept. And 1.5 units in the last place of the
// accumulator are rounded up, or cut off.
TEST_CASE("truncation loses what rounding keeps") {
  Problem problem = zeros();
  for (int k = 0; k < 16; ++k) {
    problem.a[0][k] = to_half(0x1p-12f);
    problem.b[k][0] = to_half(0x1p-13f);
  }
  problem.a[1][0] = to_half(0x1.8p-12f);
  problem.b[0][1] = to_half(0x1p-11f);
  problem.c[0][0] = problem.c[1][1] = 1;
  const Problem truncated = multiplied(problem, Accumulation::kTruncated);
  const Problem rounded = multiplied(problem, Accumulation::kRounded);
  CHECK(truncated.c[0][0] == 1);
  CHECK(rounded.c[0][0] == 1 + 0x1p-21f);
  CHECK(truncated.c[1][1] == 1 + 0x1p-23f);
  CHECK(rounded.c[1][1] == 1 + 0x1p-22f);
}

TEST_CASE("without products the accumulator stays as it is, denormal or huge") {
  Problem problem = zeros();
  const float values[] = {1e-45f, -1e-38f, 3.4028234e38f, 0x1.fffffep-60f, -0x1.000002p100f};
  for (int i = 0; i < 5; ++i) problem.c[i][i] = values[i];
  const Problem result = multiplied(problem, Accumulation::kTruncated);
  for (int i = 0; i < 5; ++i) CHECK(result.c[i][i] == values[i]);
}

TEST_CASE("infinities and NaN come out, and stay where they belong") {
  Problem problem = zeros();
  for (auto& row : problem.a)
    for (uint16_t& half : row) half = to_half(1);
  for (auto& row : problem.b)
    for (uint16_t& half : row) half = to_half(2);
  problem.a[3][5] = to_half(INFINITY);
  problem.c[7][2] = NAN;
  problem.c[8][1] = -INFINITY;
  const Problem result = multiplied(problem, Accumulation::kTruncated);
  CHECK(result.c[3][0] == INFINITY);
  CHECK(std::isnan(result.c[7][2]));
  CHECK(result.c[8][1] == -INFINITY);
  CHECK(result.c[7][1] == 32);
}

}  // namespace
}  // namespace circle::cuda::emulator
