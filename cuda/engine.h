// The CUDA engine as the rest of the package sees it: nothing of CUDA's headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "native/core/engine.h"

namespace circle::cuda {

// Whether anything can run here. Asks the driver, and starts nothing on a device.
struct Availability {
  enum class State : int { kReady, kNoDriver, kDriverTooOld, kNoDevice, kBroken };
  State state;
  int driver_version;   // of the driver, as CUDA counts: 13000 is 13.0; 0 without one
  int runtime_version;  // what this binary was built with
  int error;            // cudaError_t, where the state is kBroken
};
Availability availability();

struct DeviceInfo {
  std::string name;
  int compute_major, compute_minor;
  int64_t memory_bytes;
};
// Empty unless the state is kReady.
std::vector<DeviceInfo> devices();

// CUDA's own words for an error number: "cudaErrorIllegalAddress: an illegal memory access was encountered".
std::string describe_error(int error);

// Which multiply-adds an engine uses: kTensor obeys the precision of each call, and turns to kFfma by itself for rows
// that are not normalised.
enum class Units : int { kTensor, kFfma };

// Never null; a device that cannot be used shows in the first call's Outcome. Nothing is allocated before that.
std::unique_ptr<Engine> open_engine(Units units, int device);

// Rows that stay in a device's memory. Methods may be called on any thread, one at a time; the destructor waits for
// calls that use the rows.
class DeviceRows {
 public:
  // Status::kOk and the rows (contents unspecified), or why not.
  static Outcome create(int device, int64_t rows, int64_t dim, std::unique_ptr<DeviceRows>& out);
  virtual ~DeviceRows() = default;

  virtual Outcome write(const float* values, int64_t first_row, int64_t rows) = 0;
  virtual Outcome read(float* values, int64_t first_row, int64_t rows) const = 0;
  virtual float* data() const = 0;  // device memory
  virtual int64_t rows() const = 0;
  virtual int64_t dim() const = 0;
  virtual int device() const = 0;
};

// Host memory that copies to and from the device fastest: page-locked. Null where there is none.
float* allocate_pinned(int64_t count);
void free_pinned(float* memory);

// Bytes of device memory and of pinned memory that engines and rows of this process hold now.
int64_t device_bytes_held();

}  // namespace circle::cuda
