// One call as it arrives from JavaScript: a Problem over borrowed arrays. Every length, every enumeration and every
// product is checked again here, whatever lib/ has already checked, because a wrong one would be a wild pointer.
#pragma once

#include <napi.h>

#include <atomic>

#include "native/binding/engine_kind.h"
#include "native/core/problem.h"
#include "native/core/status.h"

namespace circle::binding {

// A view of a typed array; nothing is owned.
template <class T>
struct View {
  T* data = nullptr;
  int64_t length = 0;
};

// The arrays of a loss call, in the order of NativeSession.compute (lib/native.ts). Of a similarity call: the request,
// the report, the anchors, the candidates, and the matrix in `gradient`.
struct CallArrays {
  View<double> request, report;
  View<float> anchors;
  View<int32_t> anchor_labels;
  View<float> candidates;
  DeviceArgument device_candidates;  // instead of `candidates`
  View<int32_t> candidate_labels;
  View<float> upstream, anchor_losses, gradient, candidate_gradient;
};

// False where a value is no such array.
bool read_floats(Napi::Value value, View<float>& view);
bool read_report(Napi::Value value, View<double>& view);

// False (with a pending TypeError) where an argument has the wrong type.
bool read_compute_arguments(const Napi::CallbackInfo& info, CallArrays& arrays);
bool read_similarity_arguments(const Napi::CallbackInfo& info, CallArrays& arrays);

// False where the request contradicts its arrays.
bool make_rows(const CallArrays& arrays, Rows& rows);
bool make_problem(const CallArrays& arrays, Problem& problem, Results& results);

// Fills the report; `results` are those of a loss, or null.
void write_report(const View<double>& report, const Outcome& outcome, const Results* results);

}  // namespace circle::binding
