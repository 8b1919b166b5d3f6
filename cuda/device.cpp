// What there is to run on: the driver, its devices, and its words for errors. Nothing here starts work on a device.
#include <cuda_runtime.h>

#include "cuda/engine.h"

namespace circle::cuda {
namespace {

Availability::State state_of(int driver_version, cudaError_t counted, int count) {
  using State = Availability::State;
  if (driver_version == 0) return State::kNoDriver;
  if (counted == cudaErrorInsufficientDriver) return State::kDriverTooOld;
  if (counted == cudaErrorNoDevice || (counted == cudaSuccess && count == 0)) return State::kNoDevice;
  return counted == cudaSuccess ? State::kReady : State::kBroken;
}

}  // namespace

Availability availability() {
  int driver = 0, runtime = 0, count = 0;
  (void)cudaDriverGetVersion(&driver);
  (void)cudaRuntimeGetVersion(&runtime);
  const cudaError_t counted = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  const Availability::State state = state_of(driver, counted, count);
  return {state, driver, runtime, state == Availability::State::kBroken ? static_cast<int>(counted) : 0};
}

std::vector<DeviceInfo> devices() {
  int count = 0;
  if (availability().state != Availability::State::kReady || cudaGetDeviceCount(&count) != cudaSuccess) count = 0;
  std::vector<DeviceInfo> list;
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) {
      (void)cudaGetLastError();
      // Keeps its place: a device is named by its index.
      list.push_back({"unknown", 0, 0, 0});
      continue;
    }
    list.push_back(
        {properties.name, properties.major, properties.minor, static_cast<int64_t>(properties.totalGlobalMem)});
  }
  return list;
}

std::string describe_error(int error) {
  const cudaError_t code = static_cast<cudaError_t>(error);
  return std::string(cudaGetErrorName(code)) + ": " + cudaGetErrorString(code);
}

}  // namespace circle::cuda
