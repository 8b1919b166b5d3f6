#include "native/binding/arguments.h"

#include "native/binding/request.h"

namespace circle::binding {
namespace {

template <class T>
struct ArrayType;
template <>
struct ArrayType<float> {
  static constexpr napi_typedarray_type kType = napi_float32_array;
};
template <>
struct ArrayType<double> {
  static constexpr napi_typedarray_type kType = napi_float64_array;
};
template <>
struct ArrayType<int32_t> {
  static constexpr napi_typedarray_type kType = napi_int32_array;
};

enum class Presence { kRequired, kOptional };

template <class T>
bool read(Napi::Value value, Presence presence, View<T>& view) {
  // Of an array of a kind that it does not know Node says nothing: then it is of one that nobody takes.
  napi_typedarray_type type = napi_uint8_clamped_array;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok)
    return presence == Presence::kOptional && value.IsUndefined();
  if (type != ArrayType<T>::kType) return false;
  view = {static_cast<T*>(data), static_cast<int64_t>(length)};
  return true;
}

bool read_rows(Napi::Value value, RowsArgument& rows) {
  return read_device_rows(value, rows.on_device) || read(value, Presence::kOptional, rows.on_host);
}

bool read_scalars(const Napi::CallbackInfo& info, CallArrays& arrays) {
  return read(info[0], Presence::kRequired, arrays.request) && read_report(info[1], arrays.report) &&
         arrays.request.length == static_cast<int64_t>(RequestField::kCount);
}

bool wrong_arguments(const Napi::CallbackInfo& info) {
  Napi::TypeError::New(info.Env(), "Native arguments must be the typed arrays that lib/native.ts describes.")
      .ThrowAsJavaScriptException();
  return false;
}

}  // namespace

bool read_floats(Napi::Value value, View<float>& view) {
  return read(value, Presence::kRequired, view);
}

bool read_report(Napi::Value value, View<double>& view) {
  return read(value, Presence::kRequired, view) && view.length == static_cast<int64_t>(ReportField::kCount);
}

bool read_compute_arguments(const Napi::CallbackInfo& info, CallArrays& a) {
  const bool ok =
      read_scalars(info, a) && read(info[2], Presence::kRequired, a.anchors) &&
      read(info[3], Presence::kRequired, a.anchor_labels) && read_rows(info[4], a.candidates) &&
      read(info[5], Presence::kOptional, a.candidate_labels) && read(info[6], Presence::kOptional, a.upstream) &&
      read(info[7], Presence::kRequired, a.anchor_losses) && read(info[8], Presence::kOptional, a.gradient) &&
      read(info[9], Presence::kOptional, a.candidate_gradient) &&
      (info.Length() == 10 || (read(info[10], Presence::kOptional, a.candidate_rows) &&
                               read_rows(info[11], a.first_moment) && read_rows(info[12], a.second_moment)));
  return ok || wrong_arguments(info);
}

bool read_similarity_arguments(const Napi::CallbackInfo& info, CallArrays& a) {
  const bool ok = read_scalars(info, a) && read(info[2], Presence::kRequired, a.anchors) &&
                  read_rows(info[3], a.candidates) && read(info[4], Presence::kRequired, a.gradient) &&
                  read(info[5], Presence::kOptional, a.candidate_rows);
  return ok || wrong_arguments(info);
}

bool read_nearest_arguments(const Napi::CallbackInfo& info, CallArrays& a) {
  const bool ok = read_scalars(info, a) && read(info[2], Presence::kRequired, a.anchors) &&
                  read_rows(info[3], a.candidates) && read(info[4], Presence::kRequired, a.similarities) &&
                  read(info[5], Presence::kRequired, a.counts);
  return ok || wrong_arguments(info);
}

bool read_rank_arguments(const Napi::CallbackInfo& info, CallArrays& a) {
  const bool ok = read_scalars(info, a) && read(info[2], Presence::kRequired, a.anchors) &&
                  read_rows(info[3], a.candidates) && read(info[4], Presence::kRequired, a.own_first) &&
                  read(info[5], Presence::kRequired, a.own_end) && read(info[6], Presence::kRequired, a.similarities) &&
                  read(info[7], Presence::kRequired, a.counts);
  return ok || wrong_arguments(info);
}

}  // namespace circle::binding
