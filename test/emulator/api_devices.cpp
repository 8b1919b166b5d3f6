// CUDA's runtime: versions, errors, devices.
#include <cuda_runtime.h>

#include <cstdio>

#include "test/emulator/runtime.h"

using namespace circle::cuda::emulator;

namespace {

constexpr int kRuntimeVersion = 13000, kOldDriverVersion = 11040;
constexpr int kMajor = 9, kMinor = 0, kMultiprocessors = 132;
constexpr int kSharedBytesUnasked = 48 << 10;

struct ErrorWords {
  cudaError_t error;
  const char* name;
  const char* words;
};

#define CIRCLE_WORDS(name, words) \
  { name, #name, words }
constexpr ErrorWords kWords[] = {
    CIRCLE_WORDS(cudaSuccess, "no error"),
    CIRCLE_WORDS(cudaErrorInvalidValue, "invalid argument"),
    CIRCLE_WORDS(cudaErrorMemoryAllocation, "out of memory"),
    CIRCLE_WORDS(cudaErrorInitializationError, "initialization error"),
    CIRCLE_WORDS(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    CIRCLE_WORDS(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    CIRCLE_WORDS(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    CIRCLE_WORDS(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    CIRCLE_WORDS(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable"),
    CIRCLE_WORDS(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    CIRCLE_WORDS(cudaErrorInvalidDevice, "invalid device ordinal"),
    CIRCLE_WORDS(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    CIRCLE_WORDS(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    CIRCLE_WORDS(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    CIRCLE_WORDS(cudaErrorNotReady, "device not ready"),
    CIRCLE_WORDS(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    CIRCLE_WORDS(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    CIRCLE_WORDS(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    CIRCLE_WORDS(cudaErrorMisalignedAddress, "misaligned address"),
    CIRCLE_WORDS(cudaErrorLaunchFailure, "unspecified launch failure"),
    CIRCLE_WORDS(cudaErrorUnknown, "unknown error"),
};
#undef CIRCLE_WORDS

const ErrorWords& words_of(cudaError_t error) {
  static constexpr ErrorWords kUnknown = {cudaErrorUnknown, "unrecognized error code", "unrecognized error code"};
  for (const ErrorWords& words : kWords)
    if (words.error == error) return words;
  return kUnknown;
}

bool exists(const Runtime& all, int device) {
  return device >= 0 && device < all.settings.device_count;
}

// −1: not known here.
int attribute_value(const Runtime& all, cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      return 1024;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return kSharedBytesUnasked;
    case cudaDevAttrWarpSize:
      return 32;
    case cudaDevAttrMultiProcessorCount:
      return kMultiprocessors;
    case cudaDevAttrComputeCapabilityMajor:
      return kMajor;
    case cudaDevAttrComputeCapabilityMinor:
      return kMinor;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return all.settings.shared_bytes_limit + 1024;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return all.settings.shared_bytes_limit;
  }
  return -1;
}

cudaError_t last_error(bool forget) {
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  if (all.broken != cudaSuccess) return all.broken;
  const cudaError_t error = host_thread().last_error;
  if (forget) host_thread().last_error = cudaSuccess;
  return error;
}

}  // namespace

cudaError_t cudaDriverGetVersion(int* version) {
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  const DriverState driver = all.settings.driver;
  *version = driver == DriverState::kNone ? 0 : driver == DriverState::kOld ? kOldDriverVersion : kRuntimeVersion;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kRuntimeVersion;
  return cudaSuccess;
}

const char* cudaGetErrorName(cudaError_t error) {
  return words_of(error).name;
}
const char* cudaGetErrorString(cudaError_t error) {
  return words_of(error).words;
}
cudaError_t cudaGetLastError() {
  return last_error(true);
}
cudaError_t cudaPeekAtLastError() {
  return last_error(false);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return api_call([&](Runtime& all) {
    *count = all.settings.device_count;
    return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
  });
}

cudaError_t cudaSetDevice(int device) {
  return api_call([&](Runtime& all) {
    if (!exists(all, device)) return cudaErrorInvalidDevice;
    host_thread().device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return api_call([&](Runtime&) {
    *device = host_thread().device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return api_call([&](Runtime& all) {
    if (!exists(all, device)) return cudaErrorInvalidDevice;
    const auto value = [&](cudaDeviceAttr attribute) { return attribute_value(all, attribute); };
    const auto bytes = [&](cudaDeviceAttr attribute) { return static_cast<size_t>(value(attribute)); };
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "Emulated GPU %d", device);
    properties->totalGlobalMem = static_cast<size_t>(all.settings.device_bytes);
    properties->sharedMemPerBlock = bytes(cudaDevAttrMaxSharedMemoryPerBlock);
    properties->warpSize = value(cudaDevAttrWarpSize);
    properties->maxThreadsPerBlock = value(cudaDevAttrMaxThreadsPerBlock);
    properties->major = kMajor;
    properties->minor = kMinor;
    properties->multiProcessorCount = kMultiprocessors;
    properties->sharedMemPerMultiprocessor = bytes(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
    properties->sharedMemPerBlockOptin = bytes(cudaDevAttrMaxSharedMemoryPerBlockOptin);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return api_call([&](Runtime& all) {
    if (!exists(all, device)) return cudaErrorInvalidDevice;
    *value = attribute_value(all, attribute);
    return *value >= 0 ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api_call([](Runtime& all) { return all.streams.synchronize(host_thread().device); });
}
