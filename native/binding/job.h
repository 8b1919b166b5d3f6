// NativeJob of lib/native.ts: one call on libuv's thread pool. A worker or process that ends waits for its jobs, because
// Node does.
#pragma once

#include <napi.h>

#include <memory>

#include "native/binding/session.h"

namespace circle::binding {

// Starts the call and returns { done, abort }. The arguments in `info` stay alive until it is done.
Napi::Value start_job(const Napi::CallbackInfo& info, std::shared_ptr<SharedEngine> engine, CallArrays arrays,
                      RunCall run);

}  // namespace circle::binding
