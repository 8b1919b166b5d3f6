// The device as it was before a test, and nothing allocated.
#pragma once

#include <doctest/doctest.h>

#include "cuda/engine.h"
#include "test/emulator/emulator.h"

namespace circle::cuda {

struct CleanDevice {
  emulator::Use before = emulator::use();
  int64_t held = device_bytes_held();

  ~CleanDevice() {
    emulator::reset();
    const emulator::Use after = emulator::use();
    CHECK(after.device_bytes == before.device_bytes);
    CHECK(after.pinned_bytes == before.pinned_bytes);
    CHECK(after.streams == before.streams);
    CHECK(after.events == before.events);
    CHECK(device_bytes_held() == held);
  }
};

}  // namespace circle::cuda
