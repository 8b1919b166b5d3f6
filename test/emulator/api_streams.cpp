// CUDA's runtime: streams and events.
#include <cuda_runtime.h>

#include "test/emulator/runtime.h"

using namespace circle::cuda::emulator;

namespace {

// call(stream), where there is one.
template <class Call>
cudaError_t on_stream(cudaStream_t handle, const Call& call) {
  return api_call([&](Runtime& all) {
    const std::shared_ptr<Stream> stream = all.streams.find(handle, host_thread().device);
    return stream ? call(all, *stream) : cudaErrorInvalidResourceHandle;
  });
}

template <class Call>
cudaError_t on_event(cudaEvent_t handle, const Call& call) {
  return api_call([&](Runtime& all) {
    Event* const event = all.streams.find_event(handle);
    return event ? call(*event) : cudaErrorInvalidResourceHandle;
  });
}

// A host that asks again and again gets there in the end.
cudaError_t query(Stream& stream, const Position& position) {
  if (position.reached()) return stream.error();
  stream.run_one();
  return cudaErrorNotReady;
}

}  // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return api_call([&](Runtime& all) {
    const StreamKind kind = flags & cudaStreamNonBlocking ? StreamKind::kNonBlocking : StreamKind::kBlocking;
    *stream = all.streams.create(kind, host_thread().device);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const InDriver in_driver;
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  return api_call_after(all.streams.destroy(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return on_stream(handle, [](Runtime&, Stream& stream) { return stream.end().reach(); });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return on_stream(handle, [](Runtime&, Stream& stream) { return query(stream, stream.end()); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned int) {
  return on_event(event_handle, [&](const Event& event) {
    return on_stream(handle, [&](Runtime& all, Stream& stream) {
      if (stream.error() != cudaSuccess || !event.mark) return stream.error();
      all.streams.add(stream, [] { return cudaSuccess; }, {event.mark->at});
      return cudaSuccess;
    });
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return api_call([&](Runtime& all) {
    *event = all.streams.create_event(!(flags & cudaEventDisableTiming));
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const InDriver in_driver;
  Runtime& all = runtime();
  const std::lock_guard<std::recursive_mutex> lock(all.lock);
  return api_call_after(all.streams.destroy_event(event) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventRecord(cudaEvent_t event_handle, cudaStream_t handle) {
  return on_event(event_handle, [&](Event& event) {
    return on_stream(handle, [&](Runtime& all, Stream& stream) {
      if (stream.error() != cudaSuccess) return stream.error();
      const auto mark = std::make_shared<Event::Mark>();
      all.streams.add(stream, [mark] {
        mark->time = std::chrono::steady_clock::now();
        return cudaSuccess;
      });
      mark->at = stream.end();
      event.mark = mark;
      return cudaSuccess;
    });
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return on_event(handle, [](const Event& event) { return event.mark ? event.mark->at.reach() : cudaSuccess; });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return on_event(handle, [](const Event& event) {
    return event.mark ? query(*event.mark->at.stream, event.mark->at) : cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  return on_event(from, [&](const Event& first) {
    return on_event(to, [&](const Event& last) {
      if (!first.has_time || !last.has_time || !first.mark || !last.mark) return cudaErrorInvalidResourceHandle;
      if (!first.mark->at.reached() || !last.mark->at.reached()) return cudaErrorNotReady;
      *milliseconds = std::chrono::duration<float, std::milli>(last.mark->time - first.mark->time).count();
      return cudaSuccess;
    });
  });
}
