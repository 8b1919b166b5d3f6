#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "native/math/exponential.h"

namespace circle {
namespace {

constexpr float kSmallest = -87.33654f;  // ln of the smallest normal number, rounded towards 0

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t to_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Every 331st float between two numbers of one sign, from the one nearer to 0.
std::vector<float> floats_between(float near, float far) {
  std::vector<float> values;
  for (uint32_t bits = to_bits(near); bits <= to_bits(far); bits += 331) values.push_back(from_bits(bits));
  values.push_back(far);
  return values;
}

// Units in the last place of the exact result.
double worst_error(const std::vector<float>& x, const std::vector<float>& result) {
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(double{x[i]});
    const double unit = std::ldexp(1.0, std::ilogb(exact) - 23);
    const double error = std::fabs(result[i] - exact) / unit;
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

// With ε = 2⁻²⁴ (half a unit in [1, 2), a unit in [½, 1)), where eʳ < 1, the worse case:
//   the last addition, 1 + (r + r²q), in [0.7, 1)                       ε/2
//   the one before, r + r²q, in (−0.293, 0]                             ε/4
//   r²q ≤ 0.054, of two products (2ε) and q, whose last addition, in
//   (0.41, 0.5], and earlier ones make 0.84ε                            0.153ε
//   r = x − n ln 2, rounded once in (−0.35, 0], times eʳ ≤ 1            ε/4
//   the polynomial, relative 3.1·10⁻⁹                                   0.052ε
// are 1.21ε together; where eʳ > 1 they are 1.92ε, 0.96 units. The power of two multiplies exactly.
constexpr double kWorst = 1.25;

TEST_CASE("the exponential is within 1.25 units in the last place, in every instruction set") {
  for (const std::vector<float>& x : {floats_between(-0.0f, kSmallest), floats_between(0.0f, 88.0f)}) {
    for (const cpu::Kernels* kernels : cpu::available_kernels()) {
      INFO(std::string(kernels->name));
      std::vector<float> result(x.size());
      kernels->exponentials(x.data(), static_cast<int64_t>(x.size()), result.data());
      CHECK(worst_error(x, result) <= kWorst);
    }
    std::vector<float> scalar;
    for (const float value : x) scalar.push_back(exponential<float, uint32_t>(value));
    CHECK(worst_error(x, scalar) <= kWorst);
  }
}

TEST_CASE("the exponential at its limits") {
  const float below = std::nextafter(kSmallest, -INFINITY);
  const std::vector<float> x = {0.0f, -0.0f, below, -87.4f, -1e30f, -FLT_MAX, -INFINITY, NAN, kSmallest};
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    INFO(std::string(kernels->name));
    std::vector<float> result(x.size());
    kernels->exponentials(x.data(), static_cast<int64_t>(x.size()), result.data());
    CHECK(result[0] == 1);
    CHECK(result[1] == 1);
    for (int i : {2, 3, 4, 5, 6}) CHECK(result[i] == 0);
    CHECK(std::isnan(result[7]));
    CHECK(result[8] >= FLT_MIN);
  }
}

TEST_CASE("the exponential writes as many numbers as it is given") {
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    INFO(std::string(kernels->name));
    for (int count = 0; count < 40; ++count) {
      const std::vector<float> x(40, -1.0f);
      std::vector<float> result(40, 7.0f);
      kernels->exponentials(x.data(), count, result.data());
      for (int i = 0; i < 40; ++i) CHECK((result[i] == 7) == (i >= count));
    }
  }
}

}  // namespace
}  // namespace circle
