// One instruction set's table of kernels. A kernels_<variant>.cpp file includes the standard headers, turns
// on its instruction set, defines the macros below and includes this file:
//   CIRCLE_VARIANT            namespace and name
//   CIRCLE_LANES              floats in a vector
//   CIRCLE_FUSED              whether a · b + c is one rounding
//   CIRCLE_HEIGHT, _VECTORS   micro-kernel: rows, and vectors a row; HEIGHT × VECTORS accumulators, and
//                             VECTORS + 1 registers for operands, must fit the register file
#pragma once

#include "native/cpu/optimizer_step.h"
#include "native/cpu/pack.h"
#include "native/cpu/pair_weights.h"
#include "native/cpu/products.h"
#include "native/cpu/tile_search.h"
#include "native/cpu/tile_statistics.h"

#define CIRCLE_QUOTE_(name) #name
#define CIRCLE_QUOTE(name) CIRCLE_QUOTE_(name)

namespace circle::cpu {
namespace CIRCLE_VARIANT {

static void exponentials(const float* values, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t real = count - i < kLanes ? count - i : kLanes;
    Floats x{};
    for (int64_t lane = 0; lane < real; ++lane) x[lane] = values[i + lane];
    const Floats result = exponential<Floats, Bits>(x);
    for (int64_t lane = 0; lane < real; ++lane) out[i + lane] = result[lane];
  }
}

template <class Loss>
constexpr LossKernels<Loss> loss_kernels() {
  if constexpr (Loss::kHardest)
    return {tile_statistics<Loss>, nullptr};
  else
    return {tile_statistics<Loss>, pair_weights<Loss>};
}

template <class... Losses>
constexpr std::tuple<LossKernels<Losses>...> all_loss_kernels(std::tuple<LossKernels<Losses>...>*) {
  return {loss_kernels<Losses>()...};
}

template <class... Rules>
constexpr std::tuple<OptimizerKernel<Rules>...> all_optimizer_kernels(std::tuple<OptimizerKernel<Rules>...>*) {
  return {OptimizerKernel<Rules>{optimizer_step<Rules>}...};
}

}  // namespace CIRCLE_VARIANT

#define CIRCLE_TABLE_(variant) kernels_##variant
#define CIRCLE_TABLE(variant) CIRCLE_TABLE_(variant)

extern const Kernels CIRCLE_TABLE(CIRCLE_VARIANT);
constexpr Kernels kTable = {
    CIRCLE_QUOTE(CIRCLE_VARIANT),
    CIRCLE_VARIANT::squares,
    CIRCLE_VARIANT::pack_panels,
    CIRCLE_VARIANT::pack_groups,
    CIRCLE_VARIANT::similarity_tile,
    CIRCLE_VARIANT::accumulate,
    CIRCLE_VARIANT::project,
    CIRCLE_VARIANT::unpack_gradient,
    CIRCLE_VARIANT::turn_tile,
    CIRCLE_VARIANT::count_reached,
    CIRCLE_VARIANT::keep_nearest,
    CIRCLE_VARIANT::sort_nearest,
    CIRCLE_VARIANT::exponentials,
    CIRCLE_VARIANT::all_loss_kernels(static_cast<KernelsOf<PairLoss>::Table*>(nullptr)),
    CIRCLE_VARIANT::all_optimizer_kernels(static_cast<OptimizersOf<Optimizer>::Table*>(nullptr)),
};
const Kernels CIRCLE_TABLE(CIRCLE_VARIANT) = kTable;

}  // namespace circle::cpu
