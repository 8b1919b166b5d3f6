// The only way to start a kernel. Under emulation the same call runs it on the CPU (test/emulator).
#pragma once

#include <cuda_runtime.h>

#if defined(CIRCLE_EMULATOR)
#include "test/emulator/launch.h"
#endif

namespace circle::cuda {

template <class T>
struct Given {
  using Type = T;
};

struct Launch {
  dim3 grid;
  int threads;       // of a block, along x
  int shared_bytes;  // dynamic; all shared memory is
  cudaStream_t stream;
};

// Arguments are copied at once. A grid without blocks starts nothing.
template <class... Parameters>
cudaError_t launch(const Launch& how, void (*kernel)(Parameters...), const typename Given<Parameters>::Type&... given) {
  if (how.grid.x == 0 || how.grid.y == 0 || how.grid.z == 0) return cudaSuccess;
#if defined(CIRCLE_EMULATOR)
  return emulator::launch(how.grid, how.threads, how.shared_bytes, how.stream, [=] { kernel(given...); });
#else
  // Beyond 48 KB a kernel has to ask.
  if (how.shared_bytes > 48 * 1024) {
    const cudaError_t error = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                                   cudaFuncAttributeMaxDynamicSharedMemorySize, how.shared_bytes);
    if (error != cudaSuccess) return error;
  }
  void* arguments[] = {const_cast<void*>(static_cast<const void*>(&given))...};
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), how.grid, dim3(how.threads), arguments,
                          static_cast<size_t>(how.shared_bytes), how.stream);
#endif
}

}  // namespace circle::cuda
