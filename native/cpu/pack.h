// Rows into the two layouts of layout.h and gradients back out of panels. Each element is read once and written once;
// memory speed bounds it, and the products cost dim or count times as much.
#pragma once

#include <cmath>
#include <cstring>

#include "native/cpu/kernels.h"
#include "native/cpu/simd.h"

namespace circle::cpu::CIRCLE_VARIANT {

// Σ aᵢbᵢ in double precision, in several sums that the compiler keeps in vectors.
struct ProductSum {
  static constexpr int kSums = 16;
  double sums[kSums] = {};

  CIRCLE_INLINE void add(const float* a, const float* b, int64_t count) {
    int64_t i = 0;
    for (; i + kSums <= count; i += kSums)
      for (int s = 0; s < kSums; ++s) sums[s] += static_cast<double>(a[i + s]) * b[i + s];
    const int rest = static_cast<int>(count - i);
    for (int s = 0; s < rest; ++s) sums[s] += static_cast<double>(a[i + s]) * b[i + s];
  }

  CIRCLE_INLINE double total() const {
    double halves[kSums];
    std::memcpy(halves, sums, sizeof(sums));
    for (int half = kSums / 2; half > 0; half /= 2)
      for (int s = 0; s < half; ++s) halves[s] += halves[s + half];
    return halves[0];
  }
};

// With a fused multiply-add rounded once, which is as good as double precision; the others take double precision.
CIRCLE_INLINE float scaled(float x, const RowScale& scale) {
  return static_cast<float>(x * (static_cast<double>(scale.inverse) + scale.correction));
}

CIRCLE_INLINE Floats scaled(Floats x, const RowScale& scale) {
  if constexpr (CIRCLE_FUSED) return x * scale.inverse + x * scale.correction;
  for (int lane = 0; lane < kLanes; ++lane) x[lane] = scaled(x[lane], scale);
  return x;
}

static void squares(const GivenRows& rows, double* squares) {
  for (int64_t row = 0; row < rows.count; ++row) {
    const float* const x = rows.values + row * rows.stride;
    ProductSum square;
    square.add(x, x, rows.dim);
    squares[row] = square.total();
  }
}

static void pack_panels(const GivenRows& rows, const RowScale* scales, Panels panels) {
  const int64_t dim = rows.dim;
  for (int64_t row = 0; row < rows.count; ++row) {
    const float* const from = rows.values + row * rows.stride;
    float* to = panels.values + row * kPanel;
    int64_t d = 0;
    for (; d + kPanel <= dim; d += kPanel, to += panels.stride)
      for (int i = 0; i < kPanel; i += kLanes) store(to + i, scaled(load(from + d + i), scales[row]));
    if (d == dim) continue;
    for (int i = 0; i < kPanel; ++i) to[i] = d + i < dim ? scaled(from[d + i], scales[row]) : 0;
  }
  for (int64_t row = rows.count; row < round_up(rows.count, kGrain); ++row)
    for (int64_t panel = 0; panel * kPanel < dim; ++panel)
      for (int i = 0; i < kPanel; i += kLanes)
        store(panels.values + panel * panels.stride + row * kPanel + i, Floats{});
}

// Rows and columns of a kLanes × kLanes block change places: at each of log₂ kLanes steps two rows swap the lanes whose
// number has the step's bit against those that lack it.
template <int step, int... lanes>
CIRCLE_INLINE void swap_lanes(Floats& low, Floats& high, std::integer_sequence<int, lanes...>) {
  const Floats first = low, second = high;
  low = __builtin_shufflevector(first, second, ((lanes & step) ? lanes - step + kLanes : lanes)...);
  high = __builtin_shufflevector(first, second, ((lanes & step) ? lanes + kLanes : lanes + step)...);
}

template <int step = 1>
CIRCLE_INLINE void transpose(Floats (&block)[kLanes]) {
  if constexpr (step < kLanes) {
#pragma GCC unroll 16
    for (int row = 0; row < kLanes; ++row)
      if (!(row & step)) swap_lanes<step>(block[row], block[row + step], std::make_integer_sequence<int, kLanes>());
    transpose<step * 2>(block);
  }
}

static void pack_groups(const GivenRows& rows, const RowScale* scales, float* groups) {
  const int64_t dim = rows.dim;
  for (int64_t first = 0; first < round_up(rows.count, kPanel); first += kLanes) {
    float* const group = groups + first / kPanel * dim * kPanel + first % kPanel;
    const float* const from = rows.values + first * rows.stride;
    const int64_t real_rows = rows.count - first < kLanes ? rows.count - first : kLanes;
    int64_t d = 0;
    for (; d + kLanes <= dim; d += kLanes) {
      Floats block[kLanes];
#pragma GCC unroll 16
      for (int64_t row = 0; row < kLanes; ++row)
        block[row] = row < real_rows ? scaled(load(from + row * rows.stride + d), scales[first + row]) : Floats{};
      transpose(block);
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) store(group + (d + k) * kPanel, block[k]);
    }
    for (; d < dim; ++d)
      for (int64_t row = 0; row < kLanes; ++row)
        group[d * kPanel + row] = row < real_rows ? scaled(from[row * rows.stride + d], scales[first + row]) : 0;
  }
}

CIRCLE_INLINE double projection_of(const float* g, int64_t g_stride, const float* x, int64_t x_stride, int64_t dim) {
  ProductSum along;
  for (int64_t panel = 0; panel * kPanel < dim; ++panel) along.add(g + panel * g_stride, x + panel * x_stride, kPanel);
  return along.total();
}

static void project(Panels gradient, Panels rows, int64_t count, int64_t dim, double* along) {
  for (int64_t row = 0; row < count; ++row)
    along[row] =
        projection_of(gradient.values + row * kPanel, gradient.stride, rows.values + row * kPanel, rows.stride, dim);
}

static void unpack_gradient(Panels gradient, Panels rows, const RowScale* scales, const double* along, int64_t count,
                            int64_t dim, float* out, int64_t stride) {
  for (int64_t row = 0; row < count; ++row, out += stride) {
    const RowScale scale = scales[row];
    const float* g = gradient.values + row * kPanel;
    const float* x = rows.values + row * kPanel;
    double exact = 0;
    if (scale.projects != 0) exact = along ? along[row] : projection_of(g, gradient.stride, x, rows.stride, dim);
    const float projection = static_cast<float>(exact);
    // Where nothing is projected, x̂ may be anything, and 0 · ∞ would be NaN.
    const auto back = [&](auto of_gradient, auto of_row) {
      return scale.inverse * (scale.projects != 0 ? of_gradient - projection * of_row : of_gradient);
    };
    int64_t d = 0;
    for (; d + kPanel <= dim; d += kPanel, g += gradient.stride, x += rows.stride)
      for (int i = 0; i < kPanel; i += kLanes) store(out + d + i, back(load(g + i), load(x + i)));
    for (int i = 0; d + i < dim; ++i) out[d + i] = back(g[i], x[i]);
  }
}

}  // namespace circle::cpu::CIRCLE_VARIANT
