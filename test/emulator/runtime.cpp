// The emulated driver's state, and what tests may do to it (emulator.h).
#include "test/emulator/runtime.h"

#include <cstdio>
#include <cstdlib>

#include "test/emulator/failures.h"

namespace circle::cuda::emulator {
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

Schedule schedule_named(const std::string& name) {
  const std::string random = "random:";
  if (name.compare(0, random.size(), random) == 0)
    return {Order::kRandom, std::strtoull(name.c_str() + random.size(), nullptr, 10)};
  return {name == "reverse" ? Order::kReverse : Order::kForward, 0};
}

DriverState driver_named(const std::string& name) {
  if (name == "none") return DriverState::kNone;
  if (name == "old") return DriverState::kOld;
  if (name == "no-device") return DriverState::kNoDevice;
  return name == "broken" ? DriverState::kBroken : DriverState::kWorks;
}

}  // namespace

Settings initial_settings() {
  Settings settings;
  settings.schedule = schedule_named(variable("CIRCLE_EMULATOR_SCHEDULE"));
  settings.driver = driver_named(variable("CIRCLE_EMULATOR_DRIVER"));
  const std::string bytes = variable("CIRCLE_EMULATOR_MEMORY"), count = variable("CIRCLE_EMULATOR_DEVICES");
  if (!bytes.empty()) settings.device_bytes = std::strtoll(bytes.c_str(), nullptr, 10);
  if (!count.empty()) settings.device_count = static_cast<int>(std::strtol(count.c_str(), nullptr, 10));
  return settings;
}

Runtime& runtime() {
  // Never destroyed: engines may outlive static objects.
  static Runtime& all = *new Runtime;
  return all;
}

HostThread& host_thread() {
  static thread_local HostThread thread;
  return thread;
}

cudaError_t device_error(const Runtime& all) {
  switch (all.settings.driver) {
    case DriverState::kWorks:
      return all.broken;
    case DriverState::kNone:
    case DriverState::kOld:
      return cudaErrorInsufficientDriver;
    case DriverState::kNoDevice:
      return cudaErrorNoDevice;
    case DriverState::kBroken:
      return cudaErrorInitializationError;
  }
  return cudaErrorUnknown;
}

cudaError_t api_call_after(cudaError_t error) {
  if (const cudaError_t worse = device_error(runtime()); worse != cudaSuccess) error = worse;
  if (error != cudaSuccess && error != cudaErrorNotReady) host_thread().last_error = error;
  return error;
}

std::vector<std::string>& reported_failures() {
  static std::vector<std::string>& list = *new std::vector<std::string>;
  return list;
}

void report_failure(std::string what) {
  static const std::string wanted = variable("CIRCLE_EMULATOR_FAILURES");
  if (!wanted.empty()) std::fprintf(stderr, "emulated GPU: %s\n", what.c_str());
  if (wanted == "abort") std::abort();
  reported_failures().push_back(std::move(what));
}

#define CIRCLE_SETTER(name, Type, field) \
  void name(Type value) {                \
    Runtime& all = runtime();            \
    const Lock lock(all.lock);           \
    all.settings.field = value;          \
  }

CIRCLE_SETTER(set_schedule, const Schedule&, schedule)
CIRCLE_SETTER(set_kernels, Kernels, kernels)
CIRCLE_SETTER(set_accumulation, Accumulation, accumulation)
CIRCLE_SETTER(set_driver, DriverState, driver)
CIRCLE_SETTER(set_device_count, int, device_count)
CIRCLE_SETTER(set_device_bytes, int64_t, device_bytes)
CIRCLE_SETTER(set_pinned_bytes, int64_t, pinned_bytes)
CIRCLE_SETTER(set_shared_bytes_limit, int, shared_bytes_limit)

#undef CIRCLE_SETTER

void fail_next_launch(cudaError_t error, int launches) {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  all.launch_error = error;
  all.launches_until_error = launches;
}

void break_device(cudaError_t error) {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  all.streams.clear();
  all.broken = error;
}

std::vector<std::string> failures() {
  const Lock lock(runtime().lock);
  return reported_failures();
}

Use use() {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  return {all.memory.bytes(Place::kDevice),
          all.memory.peak(),
          all.memory.bytes(Place::kPinned),
          all.memory.count(),
          all.streams.count(),
          all.streams.event_count(),
          all.launches};
}

void forget_use() {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  all.memory.forget_peak();
  all.launches = 0;
}

std::vector<std::string> leaks() {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  std::vector<std::string> list = all.memory.descriptions();
  if (const int count = all.streams.count()) list.push_back(std::to_string(count) + " streams");
  if (const int count = all.streams.event_count()) list.push_back(std::to_string(count) + " events");
  return list;
}

bool guards_intact() {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  return all.memory.guards_intact();
}

void reset() {
  Runtime& all = runtime();
  const Lock lock(all.lock);
  all.streams.clear();
  all.settings = initial_settings();
  all.broken = all.launch_error = cudaSuccess;
  reported_failures().clear();
  host_thread() = {};
}

}  // namespace circle::cuda::emulator
