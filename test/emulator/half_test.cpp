#include "test/emulator/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

namespace circle::cuda {
namespace {

// By the definition of the format.
double value_of(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return exponent == 0 ? sign * std::ldexp(fraction, -24) : sign * std::ldexp(1024 + fraction, exponent - 25);
}

// nearbyint rounds ties to even.
double rounded(double x) {
  if (std::fabs(x) >= 65520) return std::copysign(INFINITY, x);
  const int exponent = x == 0 ? -14 : std::max(std::ilogb(x), -14);
  return std::ldexp(std::nearbyint(std::ldexp(x, 10 - exponent)), exponent - 10);
}

TEST_CASE("every half becomes the float of its value, and the same half again") {
  bool right = true;
  for (int bits = 0; bits < 65536; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    const double value = value_of(half);
    const float x = from_half(half);
    if (std::isnan(value))
      right &= std::isnan(x) && to_half(x) == 0x7fff;
    else
      right &= x == value && std::signbit(x) == (bits >= 0x8000) && to_half(x) == half;
  }
  CHECK(right);
}

TEST_CASE("floats are rounded to the nearest half, ties to even") {
  const auto is_rounded = [](float x) {
    const uint16_t half = to_half(x);
    return value_of(half) == rounded(x) && std::signbit(x) == (half >= 0x8000);
  };
  bool right = true;
  // Half-way between neighbours, and one float to either side.
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const float low = from_half(static_cast<uint16_t>(bits));
    const float high = bits == 0x7bff ? 65536.0f : from_half(static_cast<uint16_t>(bits + 1));
    const float middle = low / 2 + high / 2;
    for (const float x : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, INFINITY)})
      right &= is_rounded(x) && is_rounded(-x);
  }
  CHECK(right);
  std::mt19937 random(7);
  for (int i = 0; i < 1000000; ++i) {
    const float x = __uint_as_float(random());
    if (!std::isnan(x)) right &= is_rounded(x);
  }
  CHECK(right);
  CHECK(to_half(INFINITY) == 0x7c00);
  CHECK(to_half(-INFINITY) == 0xfc00);
}

}  // namespace
}  // namespace circle::cuda
