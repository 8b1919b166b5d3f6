// CUDA's runtime: memory, and copies in it. Pinned memory is read and written when a copy runs, late; what is not pinned,
// before the call returns, as CUDA may.
#include <cuda_runtime.h>

#include "test/emulator/failures.h"
#include "test/emulator/runtime.h"

using namespace circle::cuda::emulator;

namespace {

// Rows of bytes.
struct Copy {
  char* to;
  size_t to_pitch;
  const char* from;
  size_t from_pitch;
  size_t width, height;

  size_t span(size_t pitch) const { return (height - 1) * pitch + width; }
  size_t to_span() const { return span(to_pitch); }
  size_t from_span() const { return span(from_pitch); }
  void run() const {
    for (size_t row = 0; row < height; ++row) std::memmove(to + row * to_pitch, from + row * from_pitch, width);
  }
};

Copy in_one_piece(void* to, const void* from, size_t bytes) {
  return {static_cast<char*>(to), bytes, static_cast<const char*>(from), bytes, bytes, 1};
}

enum class Host { kReturnsEarly, kWaits };

bool is_host(Memory& memory, const void* address) {
  return !memory.is_device(address, 1);
}

// Whether both ends are where `kind` says.
bool has_direction(Memory& memory, const Copy& copy, cudaMemcpyKind kind) {
  const bool from_host = is_host(memory, copy.from), to_host = is_host(memory, copy.to);
  if (!from_host && !memory.is_device(copy.from, copy.from_span())) return false;
  if (!to_host && !memory.is_device(copy.to, copy.to_span())) return false;
  if (kind == cudaMemcpyDefault) return true;
  return from_host == (kind == cudaMemcpyHostToHost || kind == cudaMemcpyHostToDevice) &&
         to_host == (kind == cudaMemcpyHostToHost || kind == cudaMemcpyDeviceToHost);
}

// Queued memory that has been freed is not touched.
cudaError_t run_if_alive(const Copy& copy, bool from_pinned, bool to_pinned) {
  Memory& memory = runtime().memory;
  if ((from_pinned && !memory.is_pinned(copy.from, copy.from_span())) ||
      (to_pinned && !memory.is_pinned(copy.to, copy.to_span()))) {
    report_failure("a copy with pinned memory that was freed before the copy ran");
    return cudaErrorIllegalAddress;
  }
  copy.run();
  return cudaSuccess;
}

cudaError_t queue(Runtime& all, const Copy& copy, cudaMemcpyKind kind, cudaStream_t handle, Host host) {
  if (copy.width == 0 || copy.height == 0) return cudaSuccess;
  if (copy.height > 1 && (copy.width > copy.to_pitch || copy.width > copy.from_pitch))
    return cudaErrorInvalidPitchValue;
  if (!has_direction(all.memory, copy, kind)) return cudaErrorInvalidValue;
  const std::shared_ptr<Stream> stream = all.streams.find(handle, host_thread().device);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream->error() != cudaSuccess) return stream->error();
  const bool from_pinned = all.memory.is_pinned(copy.from, copy.from_span());
  const bool to_pinned = all.memory.is_pinned(copy.to, copy.to_span());
  if (is_host(all.memory, copy.from) && !from_pinned && host == Host::kReturnsEarly) {
    const auto staged = std::make_shared<std::vector<char>>(copy.width * copy.height);
    Copy(Copy{staged->data(), copy.width, copy.from, copy.from_pitch, copy.width, copy.height}).run();
    const Copy late{copy.to, copy.to_pitch, staged->data(), copy.width, copy.width, copy.height};
    all.streams.add(*stream, [late, staged, to_pinned] { return run_if_alive(late, false, to_pinned); });
  } else {
    all.streams.add(*stream, [=] { return run_if_alive(copy, from_pinned, to_pinned); });
  }
  const bool waits = host == Host::kWaits || (is_host(all.memory, copy.to) && !to_pinned);
  return waits ? stream->end().reach() : cudaSuccess;
}

cudaError_t queue_fill(Runtime& all, void* memory, int value, size_t bytes, cudaStream_t handle) {
  if (bytes == 0) return cudaSuccess;
  if (!all.memory.is_device(memory, bytes)) return cudaErrorInvalidValue;
  const std::shared_ptr<Stream> stream = all.streams.find(handle, host_thread().device);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream->error() != cudaSuccess) return stream->error();
  all.streams.add(*stream, [=] {
    std::memset(memory, value, bytes);
    return cudaSuccess;
  });
  return cudaSuccess;
}

cudaError_t allocate(Runtime& all, void** memory, size_t bytes, Place place) {
  const Fill fill = all.settings.kernels == Kernels::kRun || place == Place::kPinned ? Fill::kPoison : Fill::kNothing;
  const int64_t limit = place == Place::kDevice ? all.settings.device_bytes : all.settings.pinned_bytes;
  return all.memory.allocate(memory, bytes, place, host_thread().device, limit, fill);
}

// Also where the device is broken, which the error says.
cudaError_t release(void* memory, Place place) {
  const InDriver in_driver;
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  return api_call_after(all.memory.release(memory, place));
}

}  // namespace

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  return api_call([&](Runtime& all) { return allocate(all, memory, bytes, Place::kDevice); });
}
cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned int) {
  return api_call([&](Runtime& all) { return allocate(all, memory, bytes, Place::kPinned); });
}

// Waits for the devices first, as the real one does.
cudaError_t cudaFree(void* memory) {
  const InDriver in_driver;
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  cudaError_t first = cudaSuccess;
  for (int device = 0; memory && device < all.settings.device_count; ++device)
    if (const cudaError_t error = all.streams.synchronize(device); first == cudaSuccess) first = error;
  const cudaError_t error = release(memory, Place::kDevice);
  return first == cudaSuccess ? error : api_call_after(first);
}
// Waits for nothing: CUDA does not promise to.
cudaError_t cudaFreeHost(void* memory) {
  return release(memory, Place::kPinned);
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return api_call([&](Runtime& all) {
    *total = static_cast<size_t>(all.settings.device_bytes);
    *free = *total - static_cast<size_t>(all.memory.bytes_of_device(host_thread().device));
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return api_call([&](Runtime& all) { return queue(all, in_one_piece(to, from, bytes), kind, nullptr, Host::kWaits); });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return api_call(
      [&](Runtime& all) { return queue(all, in_one_piece(to, from, bytes), kind, stream, Host::kReturnsEarly); });
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  const Copy copy{static_cast<char*>(to), to_pitch, static_cast<const char*>(from), from_pitch, width, height};
  return api_call([&](Runtime& all) { return queue(all, copy, kind, stream, Host::kReturnsEarly); });
}
cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  return cudaMemsetAsync(memory, value, bytes, nullptr);
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return api_call([&](Runtime& all) { return queue_fill(all, memory, value, bytes, stream); });
}
