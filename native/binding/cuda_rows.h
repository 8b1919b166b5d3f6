// NativeDeviceRows of lib/native.ts: rows in a device's memory that JavaScript holds.
#pragma once

#include <napi.h>

#include <memory>

#include "cuda/engine.h"
#include "native/binding/call.h"

namespace circle::binding {

// Rows, and how many calls use them.
class HeldRows;

class CudaRows : public Napi::ObjectWrap<CudaRows> {
 public:
  static Napi::Function define(Napi::Env env);
  static bool read_argument(Napi::Value value, DeviceArgument& out);

  explicit CudaRows(const Napi::CallbackInfo& info);
  ~CudaRows() override;

 private:
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);

  int64_t held_bytes() const;
  void let_go();

  std::shared_ptr<HeldRows> held_;  // null once disposed, and where there was no memory
};

}  // namespace circle::binding
