#include "test/emulator/tensor_core.h"

#include <cstring>

#include "test/emulator/half.h"

namespace circle::cuda::emulator {
namespace {

constexpr int kRows = 16, kColumns = 8, kSteps = 16;
constexpr int kGroup = 8;  // products that are added together

// Four columns of a row: the width that every x86-64 has.
typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Ints __attribute__((vector_size(16)));
// For sums: what comes of infinities wraps around, and is thrown away.
typedef uint32_t Bits __attribute__((vector_size(16)));
constexpr int kWidth = 4;

struct Operands {
  float a[kRows][kSteps];
  float b[kSteps][kColumns];
  float c[kRows][kColumns];
};

Floats load(const float* from) {
  Floats x;
  std::memcpy(&x, from, sizeof x);
  return x;
}
void store(float* to, Floats x) {
  std::memcpy(to, &x, sizeof x);
}

float low(uint32_t halves) {
  return from_half(static_cast<uint16_t>(halves));
}
float high(uint32_t halves) {
  return from_half(static_cast<uint16_t>(halves >> 16));
}

void gather(Operands& all, void* const (&lanes)[32]) {
  for (int lane = 0; lane < 32; ++lane) {
    const MultiplyAdd& own = *static_cast<const MultiplyAdd*>(lanes[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      float* const pair = &all.a[g + i % 2 * 8][2 * t + i / 2 * 8];
      pair[0] = low(own.a[i]);
      pair[1] = high(own.a[i]);
      all.c[g + i / 2 * 8][2 * t + i % 2] = own.c[i];
    }
    for (int i = 0; i < 2; ++i) {
      all.b[2 * t + i * 8][g] = low(own.b[i]);
      all.b[2 * t + i * 8 + 1][g] = high(own.b[i]);
    }
  }
}

void scatter(const Operands& all, void* const (&lanes)[32]) {
  for (int lane = 0; lane < 32; ++lane) {
    const MultiplyAdd& own = *static_cast<const MultiplyAdd*>(lanes[lane]);
    for (int i = 0; i < 4; ++i) own.c[i] = all.c[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
  }
}

// A product of halves is exact in a float, a sum of nine such in a double but for a rounding far below a float's.
void add_rounded(Operands& all) {
  for (int m = 0; m < kRows; ++m)
    for (int n = 0; n < kColumns; ++n) {
      float& c = all.c[m][n];
      for (int first = 0; first < kSteps; first += kGroup) {
        double sum = c;
        for (int k = first; k < first + kGroup; ++k) sum += static_cast<double>(all.a[m][k]) * all.b[k][n];
        c = static_cast<float>(sum);
      }
    }
}

Ints larger(Ints x, Ints y) {
  return x > y ? x : y;
}
Ints size_bits(Floats x) {
  return reinterpret_cast<Ints>(x) & 0x7fffffff;
}
Ints absolute(Ints x) {
  const Ints sign = x >> 31;
  return reinterpret_cast<Ints>(reinterpret_cast<Bits>(x ^ sign) - reinterpret_cast<Bits>(sign));
}

// To a float, cut off.
Floats truncated(Ints x) {
  const Floats nearest = __builtin_convertvector(x, Floats);
  const Ints away = absolute(__builtin_convertvector(nearest, Ints)) > absolute(x);  // −1 where it is
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(nearest) + away);
}

constexpr int32_t kInfinity = 0x7f800000;
// Nine numbers of 25 bits have a sum of 29.
constexpr uint32_t kKept = 24;
// No product that is not zero is below 2⁻⁴⁸.
constexpr int32_t kLeastProduct = (127 - 48) << 23;

// Returns the largest bits that it met: infinities and NaN show there.
Ints add_group(Floats& c, const Floats (&products)[kGroup]) {
  Ints largest{};
  for (const Floats product : products) largest = larger(largest, size_bits(product));
  const Ints no_products = largest == 0;
  largest = larger(largest, size_bits(c));
  // 2^(24 − e) and its inverse, with e the largest exponent.
  const Bits exponent = reinterpret_cast<Bits>(larger(largest & kInfinity, Ints{} + kLeastProduct));
  const Floats scale = reinterpret_cast<Floats>(((2 * 127 + kKept) << 23) - exponent);
  const Floats inverse = reinterpret_cast<Floats>(exponent - (kKept << 23));
  const auto cut_off = [&](Floats x) { return reinterpret_cast<Bits>(__builtin_convertvector(x * scale, Ints)); };
  Bits sum = cut_off(c);
  for (const Floats product : products) sum += cut_off(product);
  c = no_products ? c : truncated(reinterpret_cast<Ints>(sum)) * inverse;
  return largest;
}

// False: there are infinities or NaN, and c is nonsense.
bool add_truncated(Operands& all) {
  Ints largest{};
  for (int m = 0; m < kRows; ++m)
    for (int n = 0; n < kColumns; n += kWidth) {
      Floats c = load(&all.c[m][n]);
      for (int first = 0; first < kSteps; first += kGroup) {
        Floats products[kGroup];
        for (int k = 0; k < kGroup; ++k) products[k] = all.a[m][first + k] * load(&all.b[first + k][n]);
        largest = larger(largest, add_group(c, products));
      }
      store(&all.c[m][n], c);
    }
  for (int i = 0; i < kWidth; ++i)
    if (largest[i] >= kInfinity) return false;
  return true;
}

}  // namespace

void multiply_add(void* const (&lanes)[32], Accumulation accumulation) {
  Operands all;
  gather(all, lanes);
  if (accumulation == Accumulation::kRounded || !add_truncated(all)) {
    gather(all, lanes);
    add_rounded(all);
  }
  scatter(all, lanes);
}

}  // namespace circle::cuda::emulator
