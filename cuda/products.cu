// K4: pair weights × rows, or weightsᵀ × rows, into sums of gradients.
//
// A block owns 128 results × 128 dimensions of one split, and adds up its share of the steps; nobody else writes there.
// Read are 128 weights and 128 coordinates a step, written once 64 KB. The multiply-adds bound it.
#include "cuda/product.cuh"

namespace circle::cuda {
namespace {

// A split's share is a multiple of what the drain and both cores' slabs divide.
constexpr int kShareSteps = 64;

// blockIdx.x: block of dimensions, one block of results after the other (neighbours read the same weights); blockIdx.y:
// split.
template <Core core, Along along>
__global__ void __launch_bounds__(Tiling::kThreads, 1) product_kernel(Product product, int stages) {
  constexpr Lies kWeightsLie = along == Along::kRows ? Lies::kItems : Lies::kSteps;
  const Operand &weights = product.weights, &others = product.others;
  const unsigned dim_blocks = static_cast<unsigned>((others.columns + kTile - 1) / kTile);
  const int64_t first_result = product.first_result + int64_t{kTile} * (blockIdx.x / dim_blocks);
  const int64_t first_dim = int64_t{kTile} * (blockIdx.x % dim_blocks);
  const int32_t steps = along == Along::kRows ? weights.columns : static_cast<int32_t>(weights.rows);
  const int64_t results = along == Along::kRows ? weights.rows : weights.columns;
  const int32_t share = (steps + product.splits * kShareSteps - 1) / (product.splits * kShareSteps) * kShareSteps;
  const int32_t first_step = share * static_cast<int32_t>(blockIdx.y);
  const int32_t last_step = first_step + share < steps ? first_step + share : steps;

  const auto part = [](const void* plane, int64_t element) -> const void* {
    return plane ? static_cast<const char*>(plane) + element * kElementBytes<core> : nullptr;
  };
  const auto within = [](int64_t left) { return static_cast<int32_t>(left < kTile ? left : kTile); };
  const int64_t weights_at = along == Along::kRows ? first_result * weights.stride : first_result;
  const Source a{part(weights.high, weights_at), part(weights.low, weights_at), weights.stride,
                 within(results - first_result), steps};
  const Source b{part(others.high, first_dim), part(others.low, first_dim), others.stride,
                 within(others.columns - first_dim), steps};

  Fragment c;
  if (first_step < last_step)
    Multiplier<core>::template multiply<kWeightsLie, Lies::kSteps>(c, a, b, first_step, last_step, stages);

  const Position at;
  float* const sums = product.sums + product.slice * blockIdx.y;
#pragma unroll
  for (int r = 0; r < Fragment::kRows; ++r) {
    const int64_t result = first_result + at.row(r);
    if (result >= results) continue;
    float* const row = sums + (result - product.first_result) * product.sum_stride;
#pragma unroll
    for (int n = 0; n < Fragment::kColumns; n += 2) {
      const int64_t d = first_dim + at.column(n);
      if (d >= product.sum_stride) continue;
      float2* const to = reinterpret_cast<float2*>(row + d);
      float2 sum = make_float2(c.at(r, n), c.at(r, n + 1));
      if (product.start == Start::kContinue) {
        const float2 before = *to;
        sum.x += before.x;
        sum.y += before.y;
      }
      *to = sum;
    }
  }
}

}  // namespace

cudaError_t multiply(Core core, const Product& product, cudaStream_t stream) {
  return with_core(core, [&](auto constant) {
    constexpr Core kCore = decltype(constant)::value;
    const Stages stages = stages_for_device<kCore>(0);
    const int64_t results =
        product.along == Along::kRows ? product.weights.rows : product.weights.columns - product.first_result;
    const int64_t tiles = blocks_of(product.others.columns, kTile) * blocks_of(results, kTile);
    const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(product.splits));
    const Launch how{grid, Tiling::kThreads, stages.shared_bytes, stream};
    return product.along == Along::kRows ? launch(how, product_kernel<kCore, Along::kRows>, product, stages.count)
                                         : launch(how, product_kernel<kCore, Along::kColumns>, product, stages.count);
  });
}

}  // namespace circle::cuda
