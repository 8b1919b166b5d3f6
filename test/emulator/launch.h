// Starting a kernel on the emulated GPU: what cuda/launch.cuh calls.
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace circle::cuda::emulator {

// Queues the grid; `thread` is what every thread of it does.
cudaError_t launch(dim3 grid, int threads, int shared_bytes, cudaStream_t stream, std::function<void()> thread);

}  // namespace circle::cuda::emulator
