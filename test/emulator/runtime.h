// The emulated driver: one per process, behind one lock, which kernels hold too while they run.
#pragma once

#include <cuda_runtime.h>

#include <mutex>

#include "test/emulator/emulator.h"
#include "test/emulator/in_driver.h"
#include "test/emulator/memory.h"
#include "test/emulator/streams.h"

namespace circle::cuda::emulator {

struct Settings {
  Schedule schedule;
  Kernels kernels = Kernels::kRun;
  Accumulation accumulation = Accumulation::kTruncated;
  DriverState driver = DriverState::kWorks;
  int device_count = 1;
  int64_t device_bytes = int64_t{16} << 30;
  int64_t pinned_bytes = INT64_MAX;
  int shared_bytes_limit = 227 << 10;
};
// Of the process's environment.
Settings initial_settings();

struct Runtime {
  std::recursive_mutex lock;
  Settings settings = initial_settings();
  Memory memory;
  Streams streams;
  cudaError_t broken = cudaSuccess;
  cudaError_t launch_error = cudaSuccess;  // of the launch after `launches_until_error` others
  int launches_until_error = 0;
  int64_t launches = 0;
};
Runtime& runtime();

// Of the host's thread.
struct HostThread {
  int device = 0;
  cudaError_t last_error = cudaSuccess;
};
HostThread& host_thread();

// What every call says of a device or driver that does not work.
cudaError_t device_error(const Runtime& all);
// The end of a call that gave something back, which it does on a broken device too. Under the lock.
cudaError_t api_call_after(cudaError_t error);

// A call of the API: under the lock, on a device that works; its error is the thread's last one.
template <class Call>
cudaError_t api_call(const Call& call) {
  const InDriver in_driver;
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  return api_call_after(device_error(all) == cudaSuccess ? call(all) : cudaSuccess);
}

}  // namespace circle::cuda::emulator
