// From CUDA's errors to how a call ended.
#pragma once

#include <cuda_runtime.h>

#include "native/core/status.h"

// For functions that return cudaError_t: the first failure ends them.
#define CIRCLE_TRY(call) \
  if (const cudaError_t circle_error = (call); circle_error != cudaSuccess) return circle_error

namespace circle::cuda {

// Also clears the runtime's memory of the error, so that nobody else in the process takes it for their own. Errors that
// broke the context stay, whatever anybody clears.
inline Outcome outcome_of(cudaError_t error) {
  if (error == cudaSuccess) return {};
  (void)cudaGetLastError();
  const Status status = error == cudaErrorMemoryAllocation ? Status::kOutOfDeviceMemory : Status::kDeviceFailed;
  return {status, InputArray::kAnchors, 0, static_cast<int>(error)};
}

}  // namespace circle::cuda
