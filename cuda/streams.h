// Streams and events of one engine, made when they are first needed.
#pragma once

#include <cuda_runtime.h>

#include "cuda/outcome.h"

namespace circle::cuda {

// Work in the order in which it was given; nothing of it waits for other engines.
class Stream {
 public:
  Stream() = default;
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaError_t open() { return stream_ ? cudaSuccess : cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking); }
  void close() {
    if (stream_ && cudaStreamDestroy(stream_) != cudaSuccess) (void)cudaGetLastError();
    stream_ = nullptr;
  }
  bool is_open() const { return stream_ != nullptr; }
  cudaError_t synchronize() const { return stream_ ? cudaStreamSynchronize(stream_) : cudaSuccess; }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

// A point in a stream. One that was never recorded counts as passed.
class Event {
 public:
  Event() = default;
  ~Event() { close(); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaError_t open() { return event_ ? cudaSuccess : cudaEventCreateWithFlags(&event_, cudaEventDisableTiming); }
  void close() {
    if (event_ && cudaEventDestroy(event_) != cudaSuccess) (void)cudaGetLastError();
    event_ = nullptr;
  }
  cudaError_t record(cudaStream_t stream) const { return cudaEventRecord(event_, stream); }
  cudaError_t hold(cudaStream_t stream) const { return cudaStreamWaitEvent(stream, event_, 0); }
  cudaError_t synchronize() const { return cudaEventSynchronize(event_); }

 private:
  cudaEvent_t event_ = nullptr;
};

// `later` goes on when `earlier` is where it is now.
inline cudaError_t order(const Event& by, cudaStream_t earlier, cudaStream_t later) {
  CIRCLE_TRY(by.record(earlier));
  return by.hold(later);
}

}  // namespace circle::cuda
