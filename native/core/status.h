// How a call ended. Engines return a Status; they never throw, print or exit.
#pragma once

#include <cstdint>

namespace circle {

enum class Status : int {
  kOk,
  kNotFinite,
  kOverflow,
  kOutOfMemory,
  kAborted,
  kInvalid,
  kOutOfDeviceMemory,
  kDeviceFailed,
};

// Which array has the row that is not finite, and which row.
enum class InputArray : int { kAnchors, kCandidates };

struct Outcome {
  Status status = Status::kOk;
  InputArray array = InputArray::kAnchors;
  int64_t row = 0;
  int device_error = 0;  // kDeviceFailed, kOutOfDeviceMemory: the number of the driver's own error

  bool ok() const { return status == Status::kOk; }
};

}  // namespace circle
