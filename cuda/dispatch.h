// From a run-time choice to a template's parameter.
#pragma once

#include <type_traits>

#include "cuda/kernels.h"

namespace circle::cuda {

template <Core core>
using CoreConstant = std::integral_constant<Core, core>;

// call(CoreConstant<core>())
template <class Call>
cudaError_t with_core(Core core, const Call& call) {
  switch (core) {
    case Core::kFfma:
      return call(CoreConstant<Core::kFfma>());
    case Core::kFast:
      return call(CoreConstant<Core::kFast>());
    case Core::kExact:
      return call(CoreConstant<Core::kExact>());
  }
  return cudaErrorInvalidValue;
}

// call(core constant, loss)
template <class Call>
cudaError_t with_core_and_loss(Core core, const PairLoss& loss, const Call& call) {
  return with_core(core, [&](auto constant) {
    return std::visit([&](const auto& chosen) { return call(constant, chosen); }, loss);
  });
}

constexpr int64_t blocks_of(int64_t count, int64_t each) {
  return (count + each - 1) / each;
}

}  // namespace circle::cuda
