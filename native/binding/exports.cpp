#include "native/binding/exports.h"

#include "native/binding/engine_kind.h"
#include "native/binding/request.h"
#include "native/binding/session.h"

namespace circle::binding {
namespace {

template <class List>
Napi::Array names(Napi::Env env, const List& list) {
  Napi::Array array = Napi::Array::New(env);
  for (const auto& name : list) array.Set(array.Length(), name);
  return array;
}

}  // namespace

void export_binding(Napi::Env env, Napi::Object exports) {
  exports.Set("requestFields", names(env, kRequestFieldNames));
  exports.Set("reportFields", names(env, kReportFieldNames));
  exports.Set("variants", names(env, engine_kind().variants()));
  exports.Set("Session", Session::define(env));
}

}  // namespace circle::binding
