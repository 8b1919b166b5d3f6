// What the binding knows of the engine that it serves. Each addon defines one: cpu_addon.cpp, cuda_addon.cpp.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "native/core/engine.h"

namespace circle::binding {

// What a call does that finds the engine of its session taken.
enum class WhenTaken {
  kOpenAnother,  // computes on an engine of its own and throws that away: right before lean
  kWait,         // a second engine would only share the device's time, and its memory is dear
};

constexpr int kHostMemory = -1;

// Rows in a device's memory, as an argument of a call.
struct DeviceArgument {
  float* data = nullptr;
  int64_t length = 0;
  int device = kHostMemory;
  std::shared_ptr<void> use;  // held until the call is over: keeps the rows, and whoever wants to change them waits
};

struct EngineKind {
  WhenTaken when_taken;
  std::vector<std::string> (*variants)();
  // Null where there is no such variant here.
  std::unique_ptr<Engine> (*open)(const std::string& variant, int device);
  // False where the value is no rows of a device, or disposed ones. Null for an engine without a device.
  bool (*read_device_rows)(Napi::Value value, DeviceArgument& out);
};

const EngineKind& engine_kind();

// Sets what every addon exports: requestFields, reportFields, variants, Session.
void export_binding(Napi::Env env, Napi::Object exports);

}  // namespace circle::binding
