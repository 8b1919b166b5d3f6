// Rows that stay in a device's memory, behind DeviceRows of engine.h. They are read and written in whole rows, on a
// stream of their own; the driver stages pageable arrays, which spares each of many such objects its pinned chunks.
#include <new>

#include "cuda/device_memory.h"
#include "cuda/engine.h"
#include "cuda/outcome.h"
#include "cuda/streams.h"

namespace circle::cuda {
namespace {

class RowsInMemory final : public DeviceRows {
 public:
  RowsInMemory(int device, int64_t rows, int64_t dim) : device_(device), rows_(rows), dim_(dim) {}

  ~RowsInMemory() override {
    // The memory may still be read by a call on another thread.
    if (cudaSetDevice(device_) != cudaSuccess || cudaDeviceSynchronize() != cudaSuccess) (void)cudaGetLastError();
  }

  cudaError_t allocate() {
    int64_t bytes = 0;
    if (__builtin_mul_overflow(rows_, dim_, &bytes) || __builtin_mul_overflow(bytes, 4, &bytes))
      return cudaErrorMemoryAllocation;
    CIRCLE_TRY(cudaSetDevice(device_));
    CIRCLE_TRY(stream_.open());
    return memory_.reserve(bytes);
  }

  Outcome write(const float* values, int64_t first_row, int64_t rows) override {
    if (!has(first_row, rows)) return {Status::kInvalid};
    return outcome_of(copy(at(first_row), values, rows, cudaMemcpyHostToDevice));
  }

  Outcome read(float* values, int64_t first_row, int64_t rows) const override {
    if (!has(first_row, rows)) return {Status::kInvalid};
    return outcome_of(copy(values, at(first_row), rows, cudaMemcpyDeviceToHost));
  }

  float* data() const override { return memory_.as<float>(); }
  int64_t rows() const override { return rows_; }
  int64_t dim() const override { return dim_; }
  int device() const override { return device_; }

 private:
  bool has(int64_t first_row, int64_t rows) const {
    return first_row >= 0 && rows >= 0 && first_row <= rows_ && rows <= rows_ - first_row;
  }
  float* at(int64_t row) const { return memory_.as<float>() + row * dim_; }

  cudaError_t copy(void* to, const void* from, int64_t rows, cudaMemcpyKind kind) const {
    CIRCLE_TRY(cudaSetDevice(device_));
    const size_t bytes = static_cast<size_t>(rows * dim_) * sizeof(float);
    if (bytes > 0) CIRCLE_TRY(cudaMemcpyAsync(to, from, bytes, kind, stream_));
    return stream_.synchronize();
  }

  const int device_;
  const int64_t rows_, dim_;
  HeldBytes held_;
  Stream stream_;
  DeviceBuffer memory_{held_};
};

}  // namespace

Outcome DeviceRows::create(int device, int64_t rows, int64_t dim, std::unique_ptr<DeviceRows>& out) {
  if (rows < 0 || dim < 1) return {Status::kInvalid};
  std::unique_ptr<RowsInMemory> created(new (std::nothrow) RowsInMemory(device, rows, dim));
  if (!created) return {Status::kOutOfMemory};
  const Outcome outcome = outcome_of(created->allocate());
  if (outcome.ok()) out = std::move(created);
  return outcome;
}

}  // namespace circle::cuda
