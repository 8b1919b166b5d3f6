// What the emulator's tests share: arrays on the device, and a clean emulator before and after.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "test/emulator/emulator.h"

namespace circle::cuda::emulator {

// Nothing wrong and nothing left, or the test fails.
class CleanEmulator {
 public:
  CleanEmulator() { reset(); }
  ~CleanEmulator() {
    CHECK(guards_intact());
    CHECK(leaks() == std::vector<std::string>{});
    reset();
  }
};

template <class T>
class OnDevice {
 public:
  explicit OnDevice(size_t count) : count_(count) { CHECK(cudaMalloc(&data_, count * sizeof(T)) == cudaSuccess); }
  explicit OnDevice(const std::vector<T>& values) : OnDevice(values.size()) {
    CHECK(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  // After a kernel that failed, waiting for the device says so.
  ~OnDevice() { (void)cudaFree(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  T* data() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> values(count_);
    if (const cudaError_t error = cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost)) {
      INFO(cudaGetErrorString(error));
      CHECK(failures() != std::vector<std::string>{});
    }
    return values;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

const std::vector<Schedule> kSchedules = {
    {Order::kForward, 0}, {Order::kReverse, 0}, {Order::kRandom, 1}, {Order::kRandom, 2}};

// Somebody said so in words.
inline bool failed_with(const std::string& words) {
  for (const std::string& failure : failures())
    if (failure.find(words) != std::string::npos) return true;
  for (const std::string& failure : failures()) MESSAGE(failure);
  return false;
}

}  // namespace circle::cuda::emulator
