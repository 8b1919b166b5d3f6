// Devices, memory, errors: what the emulated driver says, and what tests make it say.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "test/emulator/launch.h"
#include "test/emulator/on_device.h"
#include "test/emulator/runtime.h"

namespace circle::cuda {
namespace {

using namespace emulator;

TEST_CASE("there is a device, with attributes and properties that agree") {
  const CleanEmulator clean;
  int count = 0, driver = 0, runtime = 0, value = 0;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(count >= 1);
  CHECK(cudaDriverGetVersion(&driver) == cudaSuccess);
  CHECK(cudaRuntimeGetVersion(&runtime) == cudaSuccess);
  CHECK(driver >= runtime);
  set_shared_bytes_limit(99 << 10);
  CHECK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) == cudaSuccess);
  CHECK(value == 99 << 10);
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
  CHECK(std::string(properties.name) == "Emulated GPU 0");
  CHECK(properties.sharedMemPerBlockOptin == 99 << 10);
  CHECK(cudaGetDeviceProperties(&properties, count) == cudaErrorInvalidDevice);
  CHECK(cudaSetDevice(count) == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("each device has its own memory and streams") {
  const CleanEmulator clean;
  set_device_count(2);
  set_device_bytes(1000);
  const OnDevice<char> first(600);
  CHECK(cudaSetDevice(1) == cudaSuccess);
  cudaStream_t stream;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  const OnDevice<char> second(700);
  size_t free = 0, total = 0;
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == 300);
  CHECK(total == 1000);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == 400);
  CHECK(emulator::launch(dim3(1), 32, 0, stream, [] {}) == cudaErrorInvalidResourceHandle);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("memory is poison, is counted, runs out, and can leak") {
  const CleanEmulator clean;
  set_device_bytes(4096);
  forget_use();
  {
    const OnDevice<uint32_t> a(500);
    CHECK(a.values() == std::vector<uint32_t>(500, 0x7fa5a5a5));
    void* more = &more;
    CHECK(cudaMalloc(&more, 2097) == cudaErrorMemoryAllocation);
    CHECK(more == nullptr);
    CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
    CHECK(use().device_bytes == 2000);
    CHECK(cudaMalloc(&more, 2096) == cudaSuccess);
    std::vector<std::string> left = leaks();
    std::sort(left.begin(), left.end());
    CHECK(left == std::vector<std::string>{"2000 bytes of device 0", "2096 bytes of device 0"});
    CHECK(cudaFree(more) == cudaSuccess);
    CHECK(cudaFree(more) == cudaErrorInvalidValue);
    CHECK(cudaFree(nullptr) == cudaSuccess);
  }
  set_pinned_bytes(100);
  void *pinned = nullptr, *more = nullptr;
  CHECK(cudaHostAlloc(&pinned, 60, cudaHostAllocPortable) == cudaSuccess);
  CHECK(cudaHostAlloc(&more, 41, cudaHostAllocPortable) == cudaErrorMemoryAllocation);
  CHECK(use().pinned_bytes == 60);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
  CHECK(use().device_bytes == 0);
  CHECK(use().peak_device_bytes == 4096);
  forget_use();
  CHECK(use().peak_device_bytes == 0);
  CHECK(cudaFree(reinterpret_cast<void*>(4096)) == cudaErrorInvalidValue);
}

__attribute__((no_sanitize("address"))) void write_unseen(char* at) {
  *const_cast<volatile char*>(at) = 1;
}

TEST_CASE("writes around memory are found, on demand and when it is freed") {
  for (const int at : {-1, -4096, 10, 4000}) {
    reset();
    char* memory = nullptr;
    CHECK(cudaMalloc(&memory, 10) == cudaSuccess);
    CHECK(guards_intact());
    write_unseen(memory + at);
    CHECK_FALSE(guards_intact());
    reset();
    CHECK(cudaFree(memory) == cudaSuccess);
    CHECK(failed_with("a write around 10 bytes of device 0"));
  }
  reset();
}

TEST_CASE("copies must be inside the memory, and in the direction they say") {
  const CleanEmulator clean;
  const OnDevice<float> x(4);
  std::vector<float> host(8);
  CHECK(cudaMemcpy(x.data(), host.data(), 17, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), x.data() + 1, 16, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), x.data(), 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), x.data(), 16, cudaMemcpyDefault) == cudaSuccess);
  CHECK(cudaMemset(x.data() + 1, 0, 16) == cudaErrorInvalidValue);
}

TEST_CASE("the environment says how it starts") {
  const CleanEmulator clean;
  const char* const names[] = {"CIRCLE_EMULATOR_MEMORY", "CIRCLE_EMULATOR_DEVICES", "CIRCLE_EMULATOR_SCHEDULE",
                               "CIRCLE_EMULATOR_DRIVER"};
  const char* const values[] = {"123456789012", "3", "random:17", "no-device"};
  for (int i = 0; i < 4; ++i) setenv(names[i], values[i], 1);
  const Settings settings = initial_settings();
  for (const char* name : names) unsetenv(name);
  CHECK(settings.device_bytes == 123456789012);
  CHECK(settings.device_count == 3);
  CHECK(settings.schedule.order == Order::kRandom);
  CHECK(settings.schedule.seed == 17);
  CHECK(settings.driver == DriverState::kNoDevice);
}

TEST_CASE("launches that no device takes are refused") {
  const CleanEmulator clean;
  const auto launched = [](dim3 grid, int threads, int shared_bytes) {
    return emulator::launch(grid, threads, shared_bytes, nullptr, [] {});
  };
  CHECK(launched(dim3(1), 1024, 227 << 10) == cudaSuccess);
  CHECK(launched(dim3(1), 1025, 0) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(1), 0, 0) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(1, 65536), 32, 0) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(0), 32, 0) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(1), 32, (227 << 10) + 1) == cudaErrorInvalidValue);
  CHECK(launched(dim3(1), 32, -1) == cudaErrorInvalidValue);
}

TEST_CASE("the launch that a test wants to fail fails, once") {
  const CleanEmulator clean;
  int runs = 0;
  const auto run = [&] { return emulator::launch(dim3(1), 1, 0, nullptr, [&runs] { ++runs; }); };
  fail_next_launch(cudaErrorLaunchOutOfResources, 1);
  CHECK(run() == cudaSuccess);
  CHECK(run() == cudaErrorLaunchOutOfResources);
  CHECK(run() == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(runs == 2);
}

TEST_CASE("a broken device says so from every call, and gives back what is given back") {
  const CleanEmulator clean;
  bool ran = false;
  {
    const OnDevice<float> x(4);
    CHECK(emulator::launch(dim3(1), 1, 0, nullptr, [&ran] { ran = true; }) == cudaSuccess);
    break_device(cudaErrorIllegalAddress);
    void* memory = nullptr;
    CHECK(cudaMalloc(&memory, 16) == cudaErrorIllegalAddress);
    CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
    CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
    CHECK(cudaFree(x.data()) == cudaErrorIllegalAddress);
  }
  CHECK(use().allocations == 0);
  break_device(cudaSuccess);
  (void)cudaGetLastError();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK_FALSE(ran);
}

TEST_CASE("drivers that are missing, old, broken or without a device answer as the real ones do") {
  const CleanEmulator clean;
  struct Answer {
    DriverState state;
    cudaError_t error;
    int version;
  };
  for (const Answer& answer : {Answer{DriverState::kNone, cudaErrorInsufficientDriver, 0},
                               Answer{DriverState::kOld, cudaErrorInsufficientDriver, 11040},
                               Answer{DriverState::kNoDevice, cudaErrorNoDevice, 13000},
                               Answer{DriverState::kBroken, cudaErrorInitializationError, 13000}}) {
    set_driver(answer.state);
    int count = -1, version = -1;
    CHECK(cudaGetDeviceCount(&count) == answer.error);
    CHECK(count == 0);
    CHECK(cudaDriverGetVersion(&version) == cudaSuccess);
    CHECK(version == answer.version);
    void* memory = nullptr;
    CHECK(cudaMalloc(&memory, 16) == answer.error);
  }
  CHECK(std::string(cudaGetErrorName(cudaErrorIllegalAddress)) == "cudaErrorIllegalAddress");
  CHECK(std::string(cudaGetErrorString(cudaErrorMemoryAllocation)) == "out of memory");
}

TEST_CASE("skipped kernels are counted, and device memory beyond the machine's costs nothing") {
  const CleanEmulator clean;
  set_kernels(Kernels::kSkipped);
  set_device_bytes(int64_t{1} << 40);
  forget_use();
  bool ran = false;
  {
    const OnDevice<char> large(size_t{1} << 38);
    CHECK(emulator::launch(dim3(1000000), 256, 0, nullptr, [&ran] { ran = true; }) == cudaSuccess);
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
  }
  CHECK(use().launches == 1);
  CHECK(use().peak_device_bytes == int64_t{1} << 38);
  CHECK_FALSE(ran);
}

}  // namespace
}  // namespace circle::cuda
