// What every addon exports.
#pragma once

#include <napi.h>

namespace circle::binding {

// Sets requestFields, reportFields, variants, Session.
void export_binding(Napi::Env env, Napi::Object exports);

}  // namespace circle::binding
