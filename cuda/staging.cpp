#include "cuda/staging.h"

#include <algorithm>
#include <cstring>

#include "cuda/pinned_memory.h"

namespace circle::cuda {
namespace {

// Long enough that a copy's fixed cost does not show, short enough that the first chunk is soon on its way.
constexpr int64_t kChunk = int64_t{4} << 20;

// Bytes [begin, end) of the rows, from `chunk` to their places.
void scatter(const Download& what, int64_t begin, int64_t end, const char* chunk) {
  while (begin < end) {
    const int64_t row = begin / what.row_bytes, in_row = begin % what.row_bytes;
    const int64_t bytes = std::min(end - begin, what.row_bytes - in_row);
    std::memcpy(static_cast<char*>(what.host) + row * what.host_stride + in_row, chunk, static_cast<size_t>(bytes));
    begin += bytes;
    chunk += bytes;
  }
}

cudaError_t download_directly(const Download& what, cudaStream_t stream) {
  const size_t row_bytes = static_cast<size_t>(what.row_bytes), rows = static_cast<size_t>(what.rows);
  if (what.host_stride == what.row_bytes)
    return cudaMemcpyAsync(what.host, what.device, rows * row_bytes, cudaMemcpyDeviceToHost, stream);
  return cudaMemcpy2DAsync(what.host, static_cast<size_t>(what.host_stride), what.device, row_bytes, row_bytes, rows,
                           cudaMemcpyDeviceToHost, stream);
}

}  // namespace

bool Staging::has_chunks() {
  for (Slot& slot : slots_)
    if (slot.done.open() != cudaSuccess || slot.memory.reserve(kChunk) != cudaSuccess) {
      (void)cudaGetLastError();
      return false;
    }
  return true;
}

Staging::Slot& Staging::next_slot() {
  next_ ^= 1;
  return slots_[next_];
}

cudaError_t Staging::upload(void* device, const void* host, int64_t bytes, cudaStream_t stream) {
  if (is_pinned(host, bytes) || !has_chunks())
    return cudaMemcpyAsync(device, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream);
  for (int64_t at = 0; at < bytes; at += kChunk) {
    const size_t count = static_cast<size_t>(std::min(kChunk, bytes - at));
    Slot& slot = next_slot();
    CIRCLE_TRY(slot.done.synchronize());
    std::memcpy(slot.memory.at(0), static_cast<const char*>(host) + at, count);
    CIRCLE_TRY(
        cudaMemcpyAsync(static_cast<char*>(device) + at, slot.memory.at(0), count, cudaMemcpyHostToDevice, stream));
    CIRCLE_TRY(slot.done.record(stream));
  }
  return cudaSuccess;
}

cudaError_t Staging::download(const Download& what, cudaStream_t stream) {
  const int64_t span = (what.rows - 1) * what.host_stride + what.row_bytes;
  return is_pinned(what.host, span) || !has_chunks() ? download_directly(what, stream)
                                                     : download_in_chunks(what, stream);
}

cudaError_t Staging::download_in_chunks(const Download& what, cudaStream_t stream) {
  const int64_t bytes = what.rows * what.row_bytes;
  const auto take_out = [&](int64_t at, const Slot& slot) {
    CIRCLE_TRY(slot.done.synchronize());
    scatter(what, at, std::min(at + kChunk, bytes), slot.memory.at(0));
    return cudaSuccess;
  };
  const Slot* before = nullptr;
  for (int64_t at = 0; at < bytes; at += kChunk) {
    const size_t count = static_cast<size_t>(std::min(kChunk, bytes - at));
    Slot& slot = next_slot();
    CIRCLE_TRY(slot.done.synchronize());
    CIRCLE_TRY(cudaMemcpyAsync(slot.memory.at(0), static_cast<const char*>(what.device) + at, count,
                               cudaMemcpyDeviceToHost, stream));
    CIRCLE_TRY(slot.done.record(stream));
    if (before) CIRCLE_TRY(take_out(at - kChunk, *before));
    before = &slot;
  }
  return before ? take_out((bytes - 1) / kChunk * kChunk, *before) : cudaSuccess;
}

void Staging::release() {
  for (Slot& slot : slots_) slot.memory.release();
}

}  // namespace circle::cuda
