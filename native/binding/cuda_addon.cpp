// circle_cuda.node: CudaModule of lib/native.ts.
#include <napi.h>

#include <cmath>
#include <cstring>

#include "cuda/engine.h"
#include "native/binding/arguments.h"
#include "native/binding/cuda_rows.h"
#include "native/binding/engine_kind.h"
#include "native/binding/exports.h"

namespace circle::binding {
namespace {

constexpr const char *kTensor = "tensor", *kFfma = "ffma";

std::vector<std::string> variants() {
  return {kTensor, kFfma};
}

std::unique_ptr<Engine> open(const std::string& variant, int device) {
  if (variant == kTensor) return cuda::open_engine(cuda::Units::kTensor, device);
  if (variant == kFfma) return cuda::open_engine(cuda::Units::kFfma, device);
  return nullptr;
}

Napi::Value availability(const Napi::CallbackInfo& info) {
  const cuda::Availability found = cuda::availability();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("state", static_cast<int>(found.state));
  object.Set("driverVersion", found.driver_version);
  object.Set("runtimeVersion", found.runtime_version);
  object.Set("error", found.error);
  return object;
}

Napi::Value devices(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (const cuda::DeviceInfo& device : cuda::devices()) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("name", device.name);
    object.Set("computeMajor", device.compute_major);
    object.Set("computeMinor", device.compute_minor);
    object.Set("memoryBytes", static_cast<double>(device.memory_bytes));
    list.Set(list.Length(), object);
  }
  return list;
}

Napi::Value describe_error(const Napi::CallbackInfo& info) {
  const int error = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : 0;
  return Napi::String::New(info.Env(), cuda::describe_error(error));
}

void free_array(napi_env, void* memory, void*) {
  cuda::free_pinned(static_cast<float*>(memory));
}

Napi::Value allocate_pinned(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double asked = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(asked >= 1 && asked <= 0x1p50) || asked != std::floor(asked)) {
    Napi::TypeError::New(env, "allocatePinned(length).").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto length = static_cast<size_t>(asked);
  float* const memory = cuda::allocate_pinned(static_cast<int64_t>(length));
  if (!memory) return env.Undefined();
  std::memset(memory, 0, length * sizeof(float));
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, memory, length * sizeof(float), free_array, nullptr, &buffer) != napi_ok) {
    // Hosts whose arrays must all lie in one region of memory forbid others; an ordinary array is only slower to copy.
    cuda::free_pinned(memory);
    return Napi::Float32Array::New(env, length);
  }
  return Napi::Float32Array::New(env, length, Napi::ArrayBuffer(env, buffer), 0);
}

Napi::Value device_bytes_held(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(cuda::device_bytes_held()));
}

class CudaAddon : public Napi::Addon<CudaAddon> {
 public:
  CudaAddon(Napi::Env env, Napi::Object exports) {
    export_binding(env, exports);
    exports.Set("availability", Napi::Function::New(env, availability));
    exports.Set("devices", Napi::Function::New(env, devices));
    exports.Set("describeError", Napi::Function::New(env, describe_error));
    exports.Set("DeviceRows", CudaRows::define(env));
    exports.Set("allocatePinned", Napi::Function::New(env, allocate_pinned));
    exports.Set("deviceBytesHeld", Napi::Function::New(env, device_bytes_held));
  }
};

}  // namespace

bool read_device_rows(Napi::Value value, DeviceArgument& out) {
  return CudaRows::read_argument(value, out);
}

const EngineKind& engine_kind() {
  static const EngineKind kind{WhenTaken::kWait, variants, open, nullptr};
  return kind;
}

}  // namespace circle::binding

using CircleCudaAddon = circle::binding::CudaAddon;
NODE_API_ADDON(CircleCudaAddon)
