// Streams run as late as they may: a host that does not wait sees that, every time.
#include "cuda/launch.cuh"
#include "test/emulator/on_device.h"

namespace circle::cuda {
namespace {

using namespace emulator;

struct TestStream {
  explicit TestStream(unsigned flags = cudaStreamNonBlocking) {
    CHECK(cudaStreamCreateWithFlags(&handle, flags) == cudaSuccess);
  }
  ~TestStream() { CHECK(cudaStreamDestroy(handle) == cudaSuccess); }
  operator cudaStream_t() const { return handle; }
  cudaStream_t handle = nullptr;
};

struct TestEvent {
  explicit TestEvent(unsigned flags = cudaEventDefault) {
    CHECK(cudaEventCreateWithFlags(&handle, flags) == cudaSuccess);
  }
  ~TestEvent() { CHECK(cudaEventDestroy(handle) == cudaSuccess); }
  operator cudaEvent_t() const { return handle; }
  cudaEvent_t handle = nullptr;
};

struct Pinned {
  explicit Pinned(size_t count) {
    CHECK(cudaHostAlloc(&data, count * sizeof(float), cudaHostAllocPortable) == cudaSuccess);
  }
  ~Pinned() { CHECK(cudaFreeHost(data) == cudaSuccess); }
  float* data = nullptr;
};

__global__ void add_kernel(float* x, float what) {
  x[threadIdx.x] += what;
}

cudaError_t add(const OnDevice<float>& x, float what, cudaStream_t stream) {
  return launch({dim3(1), 4, 0, stream}, add_kernel, x.data(), what);
}

TEST_CASE("a result is not there before somebody waits") {
  const CleanEmulator clean;
  const OnDevice<float> x(std::vector<float>{1, 2, 3, 4});
  const Pinned result(4);
  const TestStream stream;
  CHECK(add(x, 10, stream) == cudaSuccess);
  CHECK(cudaMemcpyAsync(result.data, x.data(), 16, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(__float_as_uint(result.data[0]) == 0x7fa5a5a5);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(result.data[0] == 11);
  CHECK(result.data[3] == 14);
}

TEST_CASE("pinned memory that is changed before the copy ran is copied changed; other memory is copied at once") {
  const CleanEmulator clean;
  const OnDevice<float> x(4), y(4);
  const Pinned pinned(4);
  std::vector<float> pageable(4, 1);
  const TestStream stream;
  for (int i = 0; i < 4; ++i) pinned.data[i] = 1;
  CHECK(cudaMemcpyAsync(x.data(), pinned.data, 16, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  CHECK(cudaMemcpyAsync(y.data(), pageable.data(), 16, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  for (int i = 0; i < 4; ++i) pinned.data[i] = pageable[i] = 2;
  // The device's memory has not been written yet, in either case.
  CHECK(__float_as_uint(y.values()[0]) == 0x7fa5a5a5);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(x.values() == std::vector<float>(4, 2));
  CHECK(y.values() == std::vector<float>(4, 1));
  CHECK(add(y, 1, stream) == cudaSuccess);
  CHECK(cudaMemcpyAsync(pageable.data(), y.data(), 16, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(pageable == std::vector<float>(4, 2));
}

TEST_CASE("a stream that waits for an event gets the other stream's work up to it, and not more") {
  const CleanEmulator clean;
  const OnDevice<float> x(std::vector<float>(4, 0)), seen(4);
  const TestStream earlier, later;
  const TestEvent event;
  CHECK(add(x, 1, earlier) == cudaSuccess);
  CHECK(cudaEventRecord(event, earlier) == cudaSuccess);
  CHECK(add(x, 100, earlier) == cudaSuccess);
  CHECK(cudaStreamWaitEvent(later, event) == cudaSuccess);
  // Recorded anew: the wait is for the first one.
  CHECK(cudaEventRecord(event, earlier) == cudaSuccess);
  CHECK(cudaMemcpyAsync(seen.data(), x.data(), 16, cudaMemcpyDeviceToDevice, later) == cudaSuccess);
  CHECK(cudaStreamSynchronize(later) == cudaSuccess);
  CHECK(seen.values() == std::vector<float>(4, 1));
  CHECK(cudaEventSynchronize(event) == cudaSuccess);
  CHECK(x.values() == std::vector<float>(4, 101));
}

TEST_CASE("without the wait the other stream has done nothing yet") {
  const CleanEmulator clean;
  const OnDevice<float> x(std::vector<float>(4, 0)), seen(4);
  const TestStream earlier, later;
  CHECK(add(x, 1, earlier) == cudaSuccess);
  CHECK(cudaMemcpyAsync(seen.data(), x.data(), 16, cudaMemcpyDeviceToDevice, later) == cudaSuccess);
  CHECK(cudaStreamSynchronize(later) == cudaSuccess);
  CHECK(seen.values() == std::vector<float>(4, 0));
}

TEST_CASE("the null stream is in order with blocking streams, and with no others") {
  const CleanEmulator clean;
  const OnDevice<float> x(std::vector<float>(4, 0)), y(std::vector<float>(4, 0));
  const TestStream blocking(cudaStreamDefault), free;
  CHECK(add(x, 1, blocking) == cudaSuccess);
  CHECK(add(y, 1, free) == cudaSuccess);
  CHECK(x.values() == std::vector<float>(4, 1));
  CHECK(y.values() == std::vector<float>(4, 0));
  CHECK(cudaMemsetAsync(x.data(), 0, 16) == cudaSuccess);
  CHECK(add(x, 5, blocking) == cudaSuccess);
  CHECK(cudaStreamSynchronize(blocking) == cudaSuccess);
  CHECK(x.values() == std::vector<float>(4, 5));
}

TEST_CASE("asking does not wait, but who asks often enough gets there") {
  const CleanEmulator clean;
  const OnDevice<float> x(std::vector<float>(4, 0));
  const TestStream stream;
  const TestEvent event;
  CHECK(cudaEventQuery(event) == cudaSuccess);
  CHECK(cudaStreamQuery(stream) == cudaSuccess);
  CHECK(add(x, 1, stream) == cudaSuccess);
  CHECK(cudaEventRecord(event, stream) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaErrorNotReady);
  CHECK(cudaGetLastError() == cudaSuccess);
  int times = 0;
  while (cudaEventQuery(event) == cudaErrorNotReady) ++times;
  CHECK(times < 5);
  CHECK(cudaStreamQuery(stream) == cudaSuccess);
}

TEST_CASE("events measure time, where they were not made without") {
  const CleanEmulator clean;
  const TestEvent first, last, timeless(cudaEventDisableTiming);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, first, last) == cudaErrorInvalidResourceHandle);
  for (const cudaEvent_t event : {first.handle, last.handle, timeless.handle})
    CHECK(cudaEventRecord(event) == cudaSuccess);
  CHECK(cudaEventElapsedTime(&milliseconds, first, last) == cudaErrorNotReady);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(cudaEventElapsedTime(&milliseconds, first, last) == cudaSuccess);
  CHECK(milliseconds >= 0);
  CHECK(cudaEventElapsedTime(&milliseconds, first, timeless) == cudaErrorInvalidResourceHandle);
}

TEST_CASE("a stream's work outlives the stream, and freeing memory waits for it") {
  const CleanEmulator clean;
  const Pinned result(4);
  const OnDevice<float> x(std::vector<float>(4, 1));
  {
    const TestStream stream;
    CHECK(add(x, 1, stream) == cudaSuccess);
    CHECK(cudaMemcpyAsync(result.data, x.data(), 16, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  }
  void* other = nullptr;
  CHECK(cudaMalloc(&other, 16) == cudaSuccess);
  CHECK(__float_as_uint(result.data[0]) == 0x7fa5a5a5);
  CHECK(cudaFree(other) == cudaSuccess);
  CHECK(result.data[0] == 2);
}

TEST_CASE("pinned memory that is freed too early is found") {
  const CleanEmulator clean;
  const OnDevice<float> x(4);
  {
    const TestStream stream;
    {
      const Pinned pinned(4);
      CHECK(cudaMemcpyAsync(x.data(), pinned.data, 16, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    }
    CHECK(cudaStreamSynchronize(stream) == cudaErrorIllegalAddress);
    CHECK(failed_with("pinned memory that was freed"));
  }
}

TEST_CASE("rows are copied from pitch to pitch, and nothing between them") {
  const CleanEmulator clean;
  const OnDevice<float> x(std::vector<float>{1, 2, 3, 4, 5, 6});
  std::vector<float> rows(11, 0);
  CHECK(cudaMemcpy2DAsync(rows.data(), 16, x.data(), 8, 8, 3, cudaMemcpyDeviceToHost) == cudaSuccess);
  CHECK(rows == std::vector<float>{1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0});
  CHECK(cudaMemcpy2DAsync(rows.data(), 4, x.data(), 8, 8, 3, cudaMemcpyDeviceToHost) == cudaErrorInvalidPitchValue);
  CHECK(cudaMemcpy2DAsync(rows.data(), 16, x.data(), 12, 8, 3, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
}

}  // namespace
}  // namespace circle::cuda
