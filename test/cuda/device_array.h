// Device memory in tests of single kernels.
#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <vector>

#include "cuda/kernels.h"

namespace circle::cuda {

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(int64_t count) : count_(count) {
    void* memory = nullptr;
    REQUIRE(cudaMalloc(&memory, static_cast<size_t>(count) * sizeof(T)) == cudaSuccess);
    data_ = static_cast<T*>(memory);
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(static_cast<int64_t>(values.size())) {
    REQUIRE(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  ~DeviceArray() { (void)cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  // After all work on the device.
  std::vector<T> read() const {
    std::vector<T> values(static_cast<size_t>(count_));
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
    REQUIRE(cudaMemcpy(values.data(), data_, values.size() * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return values;
  }

 private:
  T* data_ = nullptr;
  int64_t count_;
};

class DeviceOperand {
 public:
  DeviceOperand(Core core, int64_t rows, int64_t columns)
      : stride_(stride_for(core, columns)),
        high_(rows * stride_ * plane_bytes(core)),
        low_(core == Core::kExact ? rows * stride_ * 2 : 1),
        operand_{high_.data(), core == Core::kExact ? low_.data() : nullptr, rows, static_cast<int32_t>(columns),
                 stride_} {}

  const Operand& operand() const { return operand_; }

 private:
  static int64_t plane_bytes(Core core) { return core == Core::kFfma ? 4 : 2; }

  int32_t stride_;
  DeviceArray<char> high_, low_;
  Operand operand_;
};

}  // namespace circle::cuda
