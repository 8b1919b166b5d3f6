// What the binding knows of the engine that it serves. Each addon defines one: cpu_addon.cpp, cuda_addon.cpp.
#pragma once

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

struct EngineKind {
  WhenTaken when_taken;
  std::vector<std::string> (*variants)();
  // Null where there is no such variant here.
  std::unique_ptr<Engine> (*open)(const std::string& variant, int device);
  // Threads of the host that a call has use for. Null where a device computes.
  int (*threads)(const Rows& rows);
};

const EngineKind& engine_kind();

}  // namespace circle::binding
