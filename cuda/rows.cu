// K0 and K5: rows into operands, sums of gradients back into rows or into an optimiser's step on them. One warp a row;
// each number is read twice and written once, and memory bounds it.
#include <type_traits>

#include "cuda/product.cuh"

namespace circle::cuda {
namespace {

constexpr int kWarps = 8;
// x / max(‖x‖, 1e-12): shorter rows are scaled by a constant.
constexpr double kShortestNorm = 1e-12;

struct WarpRow {
  int64_t row;
  int lane;

  CIRCLE_DEVICE WarpRow()
      : row(int64_t{blockIdx.x} * kWarps + threadIdx.x / 32), lane(static_cast<int>(threadIdx.x) % 32) {}
};

CIRCLE_DEVICE double sum_of_warp(double x) {
  for (int mask = 1; mask < 32; mask *= 2) x += of_lane_xor(x, mask);
  return x;
}

CIRCLE_DEVICE RowScale scale_of(double norm, Normalize normalize) {
  if (normalize == Normalize::kNo) return {1, 0, 0};
  const bool shortest = norm <= kShortestNorm;
  const double inverse = 1 / (shortest ? kShortestNorm : norm);
  const float rounded = static_cast<float>(inverse);
  return {rounded, static_cast<float>(inverse - rounded), shortest ? 0.0f : 1.0f};
}

// Rounded once, so that the coordinates of a row are not all off by the same share.
CIRCLE_DEVICE float scaled(float x, const RowScale& scale) {
  return fmaf(x, scale.inverse, x * scale.correction);
}

template <Core core>
CIRCLE_DEVICE void store(const Operand& packed, int64_t at, float x) {
  if constexpr (core == Core::kFfma) {
    static_cast<float*>(packed.high)[at] = x;
  } else {
    const float multiple = x * kRowScale;
    const uint16_t high = to_half(multiple);
    static_cast<uint16_t*>(packed.high)[at] = high;
    if constexpr (core == Core::kExact) static_cast<uint16_t*>(packed.low)[at] = low_half(multiple, high);
  }
}

CIRCLE_DEVICE int64_t start_of(const GivenRows& rows, int64_t row) {
  const int64_t number = rows.first + row;
  return (rows.chosen ? rows.chosen[number] : number) * int64_t{rows.dim};
}

template <Core core>
__global__ void __launch_bounds__(32 * kWarps)
    pack_kernel(GivenRows rows, Normalize normalize, RowScale* scales, Operand packed, int array, Scalars* scalars) {
  const WarpRow at;
  if (at.row >= rows.count) return;
  const float* const row = rows.values + start_of(rows, at.row);
  // Squares of floats never overflow a double: the sum is finite exactly when the row is.
  double square = 0;
  for (int32_t d = at.lane; d < rows.dim; d += 32) square += static_cast<double>(row[d]) * row[d];
  const double norm = sqrt(sum_of_warp(square));
  const RowScale scale = scale_of(norm, normalize);
  if (at.lane == 0) {
    if (!(norm - norm == 0)) atomic_min(&scalars->first_bad_row[array], static_cast<int32_t>(rows.first + at.row));
    scales[at.row] = scale;
  }
  if (packed.high == nullptr) return;
  for (int32_t d = at.lane; d < packed.stride; d += 32)
    store<core>(packed, at.row * packed.stride + d, d < rows.dim ? scaled(row[d], scale) : 0);
}

// Where the gradient of a coordinate goes: to the result …
struct IntoResult {
  float* gradient;
  int32_t dim;

  CIRCLE_DEVICE void operator()(const WarpRow& at, int64_t, int32_t d, float g) const {
    gradient[at.row * dim + d] = g;
  }
};

// … or to the optimiser. The coordinate belongs to this lane alone: nobody reads it after it has moved.
template <class Rule>
struct IntoStep {
  Rule rule;
  float *rows, *first_moment, *second_moment;

  CIRCLE_DEVICE void operator()(const WarpRow&, int64_t start, int32_t d, float g) const {
    const int64_t i = start + d;
    float first = first_moment ? first_moment[i] : 0, second = second_moment ? second_moment[i] : 0;
    rows[i] = rule.step(rows[i], g, first, second);
    if (first_moment) first_moment[i] = first;
    if (second_moment) second_moment[i] = second;
  }
};

template <class Give>
__global__ void __launch_bounds__(32 * kWarps)
    unpack_kernel(Sums sums, Sums more, int32_t sum_stride, float row_unscale, GivenRows rows, const RowScale* scales,
                  const Scalars* scalars, Give give) {
  const WarpRow at;
  if (at.row >= rows.count) return;
  const RowScale scale = scales[at.row];
  const float unscale = scalars->weight_unscale * row_unscale;
  const int64_t start = start_of(rows, at.row);
  const float* const row = rows.values + start;
  const auto sum_at = [&](int32_t d) {
    float sum = 0;
    const auto add = [&](const Sums& part) {
      for (int32_t split = 0; split < part.splits; ++split)
        sum += part.first[split * part.slice + at.row * sum_stride + d];
    };
    add(sums);
    add(more);
    return sum * unscale;
  };
  float projection = 0;  // g · x̂
  if (scale.projects != 0) {
    double along = 0;
    for (int32_t d = at.lane; d < rows.dim; d += 32) along += static_cast<double>(sum_at(d)) * scaled(row[d], scale);
    projection = static_cast<float>(sum_of_warp(along));
  }
  for (int32_t d = at.lane; d < rows.dim; d += 32) {
    const float g = sum_at(d);
    give(at, start, d, scale.inverse * (scale.projects != 0 ? g - projection * scaled(row[d], scale) : g));
  }
}

__global__ void reset_scalars_kernel(Scalars* scalars) {
  *scalars = Scalars{{kNoBadRow, kNoBadRow}, 0, 0, 0, 0, 0, 1, 1};
}

Launch for_rows(int64_t count, cudaStream_t stream) {
  return {dim3(static_cast<unsigned>(blocks_of(count, kWarps))), 32 * kWarps, 0, stream};
}

float row_unscale(Core core) {
  return core == Core::kFfma ? 1 : 1 / kRowScale;
}

}  // namespace

cudaError_t reset_scalars(Scalars* scalars, cudaStream_t stream) {
  return launch({dim3(1), 1, 0, stream}, reset_scalars_kernel, scalars);
}

cudaError_t pack_rows(Core core, const GivenRows& rows, Normalize normalize, RowScale* scales, Operand packed,
                      InputArray array, Scalars* scalars, cudaStream_t stream) {
  return with_core(core, [&](auto constant) {
    return launch(for_rows(rows.count, stream), pack_kernel<decltype(constant)::value>, rows, normalize, scales, packed,
                  static_cast<int>(array), scalars);
  });
}

cudaError_t unpack_gradient(Core core, const Sums& sums, const Sums& more, int32_t sum_stride, const GivenRows& rows,
                            const RowScale* scales, const Scalars* scalars, float* gradient, cudaStream_t stream) {
  return launch(for_rows(rows.count, stream), unpack_kernel<IntoResult>, sums, more, sum_stride, row_unscale(core),
                rows, scales, scalars, IntoResult{gradient, rows.dim});
}

cudaError_t step_candidates(Core core, const Sums& sums, int32_t sum_stride, const GivenRows& rows,
                            const RowScale* scales, const Scalars* scalars, const CandidateUpdate& update,
                            cudaStream_t stream) {
  const auto step = [&](const auto& rule) {
    using Into = IntoStep<std::decay_t<decltype(rule)>>;
    return launch(for_rows(rows.count, stream), unpack_kernel<Into>, sums, Sums{}, sum_stride, row_unscale(core), rows,
                  scales, scalars, Into{rule, update.candidates, update.first_moment, update.second_moment});
  };
  return std::visit(step, update.optimizer);
}

}  // namespace circle::cuda
