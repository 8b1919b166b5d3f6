// JavaScript's arguments → the arrays of a call.
#pragma once

#include <napi.h>

#include "native/binding/call.h"

namespace circle::binding {

// False where a value is no such array.
bool read_floats(Napi::Value value, View<float>& view);
bool read_report(Napi::Value value, View<double>& view);

// False (with a pending TypeError) where an argument has the wrong type.
bool read_compute_arguments(const Napi::CallbackInfo& info, CallArrays& arrays);
bool read_similarity_arguments(const Napi::CallbackInfo& info, CallArrays& arrays);
bool read_nearest_arguments(const Napi::CallbackInfo& info, CallArrays& arrays);
bool read_rank_arguments(const Napi::CallbackInfo& info, CallArrays& arrays);

// Each addon defines it (cpu_addon.cpp, cuda_addon.cpp). False where the value is no rows of a device, or disposed ones.
bool read_device_rows(Napi::Value value, DeviceArgument& out);

}  // namespace circle::binding
