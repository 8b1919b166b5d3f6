// Starting a kernel on the emulated GPU: what cuda/launch.cuh calls.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <utility>

#include "test/emulator/in_driver.h"

namespace circle::cuda::emulator {

cudaError_t queue_launch(dim3 grid, int threads, int shared_bytes, cudaStream_t stream, std::function<void()> thread);

// Queues the grid; `thread` is what every thread of it does.
template <class Thread>
cudaError_t launch(dim3 grid, int threads, int shared_bytes, cudaStream_t stream, Thread thread) {
  const InDriver in_driver;
  return queue_launch(grid, threads, shared_bytes, stream, std::move(thread));
}

}  // namespace circle::cuda::emulator
