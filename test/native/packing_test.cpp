#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "native/cpu/row_scales.h"
#include "test/native/guarded.h"
#include "test/native/samples.h"

namespace circle::cpu {
namespace {

struct Shape {
  int64_t count, dim;
};

// Below, at and above vectors, groups, grains and panels.
const std::vector<Shape> kShapes = {{1, 1},   {2, 3},   {5, 16},  {31, 31},  {32, 32}, {33, 33},
                                    {48, 15}, {49, 64}, {95, 65}, {96, 100}, {192, 7}, {150, 130}};

GivenRows whole(const std::vector<float>& rows, Shape shape) {
  return {rows.data(), shape.dim, shape.count, shape.dim};
}

int64_t measure(const Kernels& kernels, const GivenRows& rows, Normalize normalize, RowScale* scales) {
  std::vector<double> squares(static_cast<size_t>(rows.count));
  kernels.squares(rows, squares.data());
  return scale_rows(squares.data(), rows.count, normalize, scales);
}

std::vector<RowScale> measured(const Kernels& kernels, const std::vector<float>& rows, Shape shape,
                               Normalize normalize) {
  std::vector<RowScale> scales(static_cast<size_t>(shape.count));
  CHECK(measure(kernels, whole(rows, shape), normalize, scales.data()) == -1);
  return scales;
}

template <class Check>
void for_each_case(const Check& check) {
  for (const Kernels* kernels : available_kernels()) {
    for (const Shape shape : kShapes) {
      INFO(std::string(kernels->name), " ", shape.count, " x ", shape.dim);
      Random random(static_cast<uint64_t>(shape.count * 1000 + shape.dim));
      const std::vector<float> rows = random.numbers(shape.count * shape.dim);
      check(*kernels, shape, rows, random);
    }
  }
}

// A packed number is rounded once, or once and a little where that is what fused multiply-adds do; padding is 0.
bool is_scaled(float packed, const std::vector<float>& rows, Shape shape, int64_t row, int64_t d,
               const RowScale& scale) {
  const double inverse = static_cast<double>(scale.inverse) + scale.correction;
  const double exact = row < shape.count && d < shape.dim ? rows[row * shape.dim + d] * inverse : 0;
  return std::fabs(packed - exact) <= (1 + 0x1p-20) * kRounding * std::fabs(exact);
}

int64_t panel_floats(Shape shape) {
  return (shape.dim + kPanel - 1) / kPanel * round_up(shape.count, kGrain) * kPanel;
}

TEST_CASE("a row's scale is the inverse of its norm, in two floats") {
  for_each_case([](const Kernels& kernels, Shape shape, const std::vector<float>& rows, Random&) {
    const std::vector<RowScale> scales = measured(kernels, rows, shape, Normalize::kL2);
    const std::vector<RowScale> given = measured(kernels, rows, shape, Normalize::kNo);
    for (int64_t row = 0; row < shape.count; ++row) {
      double square = 0;
      for (int64_t d = 0; d < shape.dim; ++d) square += std::pow(double{rows[row * shape.dim + d]}, 2);
      const double inverse = 1 / std::sqrt(square);
      // The correction is at most one rounding, and is rounded once itself; double precision does the rest.
      const double found = static_cast<double>(scales[row].inverse) + scales[row].correction;
      CHECK(std::fabs(found - inverse) <= inverse * (kRounding * kRounding + shape.dim * 0x1p-52));
      CHECK(scales[row].projects == 1);
      CHECK(given[row].inverse == 1);
      CHECK(given[row].correction == 0);
      CHECK(given[row].projects == 0);
    }
  });
}

TEST_CASE("rows too short for a direction are scaled by 10¹² and do not project, huge ones do not overflow") {
  for (const Kernels* kernels : available_kernels()) {
    const std::vector<float> rows = {0, 0, 1e-12f, 0, 1e-30f, 1e-30f, 2e-12f, 0, 3e38f, 3e38f, 1e-45f, 0};
    RowScale scales[6];
    CHECK(measure(*kernels, {rows.data(), 2, 6, 2}, Normalize::kL2, scales) == -1);
    for (const int row : {0, 1, 2, 5}) {
      CHECK(scales[row].inverse == 1e12f);
      CHECK(scales[row].projects == 0);
    }
    CHECK(scales[3].projects == 1);
    CHECK(scales[3].inverse == doctest::Approx(5e11).epsilon(1e-6));
    CHECK(scales[4].projects == 1);
    CHECK(scales[4].inverse == doctest::Approx(1 / 4.2426e38).epsilon(1e-4));
  }
}

TEST_CASE("the first row that is not finite is found, wherever in the row it is") {
  for_each_case([](const Kernels& kernels, Shape shape, const std::vector<float>& given, Random& random) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      std::vector<float> rows = given;
      const int64_t row = random.below(static_cast<int>(shape.count));
      rows[row * shape.dim + random.below(static_cast<int>(shape.dim))] = bad;
      rows.back() = -bad;
      std::vector<RowScale> scales(static_cast<size_t>(shape.count));
      for (const Normalize normalize : {Normalize::kNo, Normalize::kL2})
        CHECK(measure(kernels, whole(rows, shape), normalize, scales.data()) == row);
    }
  });
}

TEST_CASE("panels hold the scaled rows, zeros as padding, and nothing else is written") {
  for_each_case([](const Kernels& kernels, Shape shape, const std::vector<float>& rows, Random&) {
    const std::vector<RowScale> scales = measured(kernels, rows, shape, Normalize::kL2);
    const int64_t padded = round_up(shape.count, kGrain);
    GuardedFloats panels(panel_floats(shape));
    kernels.pack_panels(whole(rows, shape), scales.data(), {panels.data(), padded * kPanel});
    bool right = true;
    for (int64_t d = 0; d < round_up(shape.dim, kPanel); ++d)
      for (int64_t row = 0; row < padded; ++row)
        right &= is_scaled(panels[d / kPanel * padded * kPanel + row * kPanel + d % kPanel], rows, shape, row, d,
                           scales[std::min(row, shape.count - 1)]);
    CHECK(right);
    CHECK(panels.guards_intact());
  });
}

TEST_CASE("groups hold the scaled rows transposed, zeros as padding, and nothing else is written") {
  for_each_case([](const Kernels& kernels, Shape shape, const std::vector<float>& rows, Random&) {
    const std::vector<RowScale> scales = measured(kernels, rows, shape, Normalize::kL2);
    const int64_t padded = round_up(shape.count, kPanel);
    GuardedFloats groups(padded * shape.dim);
    kernels.pack_groups(whole(rows, shape), scales.data(), groups.data());
    bool right = true;
    for (int64_t row = 0; row < padded; ++row)
      for (int64_t d = 0; d < shape.dim; ++d)
        right &= is_scaled(groups[row / kPanel * shape.dim * kPanel + d * kPanel + row % kPanel], rows, shape, row, d,
                           scales[std::min(row, shape.count - 1)]);
    CHECK(right);
    CHECK(groups.guards_intact());
  });
}

// dx = inverse · (g − (g · x̂) x̂), where the dot product is in double and rounded once: 4 roundings of both terms.
TEST_CASE("gradients come out of panels and back through the normalisation") {
  for_each_case([](const Kernels& kernels, Shape shape, const std::vector<float>& rows, Random& random) {
    const int64_t padded = round_up(shape.count, kGrain), stride = padded * kPanel;
    for (const Normalize normalize : {Normalize::kNo, Normalize::kL2}) {
      const std::vector<RowScale> scales = measured(kernels, rows, shape, normalize);
      std::vector<float> packed(static_cast<size_t>(panel_floats(shape)));
      kernels.pack_panels(whole(rows, shape), scales.data(), {packed.data(), stride});
      std::vector<float> gradient = random.numbers(panel_floats(shape));
      GuardedFloats out(shape.count * shape.dim);
      kernels.unpack_gradient({gradient.data(), stride}, {packed.data(), stride}, scales.data(), nullptr, shape.count,
                              shape.dim, out.data(), shape.dim);
      bool right = true;
      for (int64_t row = 0; row < shape.count; ++row) {
        const auto at = [&](const std::vector<float>& panels, int64_t d) {
          return double{panels[d / kPanel * stride + row * kPanel + d % kPanel]};
        };
        double along = 0;
        for (int64_t d = 0; d < shape.dim; ++d) along += at(gradient, d) * at(packed, d) * scales[row].projects;
        for (int64_t d = 0; d < shape.dim; ++d) {
          const double projected = along * at(packed, d);
          const double expected = scales[row].inverse * (at(gradient, d) - projected);
          const double size = scales[row].inverse * (std::fabs(at(gradient, d)) + std::fabs(projected));
          right &= std::fabs(out[row * shape.dim + d] - expected) <= 4 * kRounding * size;
        }
      }
      CHECK(right);
      CHECK(out.guards_intact());
    }
  });
}

}  // namespace
}  // namespace circle::cpu
