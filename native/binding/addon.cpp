// The addon's exports: NativeModule of lib/native.ts.
#include <napi.h>

#include <string>

#include "native/binding/request.h"
#include "native/binding/session.h"
#include "native/cpu/dispatch.h"

namespace circle::binding {
namespace {

template <size_t kCount>
Napi::Array names(Napi::Env env, const char* const (&list)[kCount]) {
  Napi::Array array = Napi::Array::New(env, kCount);
  for (size_t i = 0; i < kCount; ++i) array.Set(static_cast<uint32_t>(i), list[i]);
  return array;
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

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    Napi::Array variants = Napi::Array::New(env);
    for (const cpu::Kernels* kernels : cpu::available_kernels()) variants.Set(variants.Length(), kernels->name);
    exports.Set("requestFields", names(env, kRequestFieldNames));
    exports.Set("reportFields", names(env, kReportFieldNames));
    exports.Set("variants", variants);
    exports.Set("Session", Session::define(env));
    exports.Set("exponential", Napi::Function::New(env, exponential));
  }
};

}  // namespace
}  // namespace circle::binding

using CircleAddon = circle::binding::Addon;
NODE_API_ADDON(CircleAddon)
