// circle_cpu.node: CpuModule of lib/native.ts.
#include <napi.h>

#include "native/binding/arguments.h"
#include "native/binding/engine_kind.h"
#include "native/binding/exports.h"
#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "native/cpu/plan.h"

namespace circle::binding {
namespace {

std::vector<std::string> variants() {
  std::vector<std::string> names;
  for (const cpu::Kernels* kernels : cpu::available_kernels()) names.emplace_back(kernels->name);
  return names;
}

std::unique_ptr<Engine> open(const std::string& variant, int) {
  const cpu::Kernels* const kernels = cpu::find_kernels(variant.c_str());
  return kernels ? std::make_unique<cpu::Engine>(*kernels) : nullptr;
}

int threads(const Rows& rows) {
  return cpu::useful_threads(rows, cpu::Plan(rows, cpu::TileStorage::kRecomputed));
}

Napi::Value exponential(const Napi::CallbackInfo& info) {
  const cpu::Kernels* const kernels =
      info[0].IsString() ? cpu::find_kernels(info[0].As<Napi::String>().Utf8Value().c_str()) : nullptr;
  if (!kernels || !info[1].IsTypedArray() || !info[2].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array ||
      info[2].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array ||
      info[1].As<Napi::TypedArray>().ElementLength() != info[2].As<Napi::TypedArray>().ElementLength()) {
    Napi::TypeError::New(info.Env(), "exponential(variant, Float32Array, Float32Array of the same length).")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const auto values = info[1].As<Napi::Float32Array>();
  auto out = info[2].As<Napi::Float32Array>();
  kernels->exponentials(values.Data(), static_cast<int64_t>(values.ElementLength()), out.Data());
  return info.Env().Undefined();
}

class CpuAddon : public Napi::Addon<CpuAddon> {
 public:
  CpuAddon(Napi::Env env, Napi::Object exports) {
    export_binding(env, exports);
    exports.Set("exponential", Napi::Function::New(env, exponential));
  }
};

}  // namespace

bool read_device_rows(Napi::Value, DeviceArgument&) {
  return false;
}

const EngineKind& engine_kind() {
  static const EngineKind kind{WhenTaken::kOpenAnother, variants, open, threads};
  return kind;
}

}  // namespace circle::binding

using CircleCpuAddon = circle::binding::CpuAddon;
NODE_API_ADDON(CircleCpuAddon)
