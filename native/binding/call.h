// One call as it arrives from JavaScript: a Problem over borrowed arrays. Every length, every enumeration and every
// product is checked again here, whatever lib/ has already checked, because a wrong one would be a wild pointer. Nothing
// of Node: tests and the fuzzer come in by this door too (arguments.h is Node's).
#pragma once

#include <cstdint>
#include <memory>

#include "native/core/problem.h"
#include "native/core/ranking.h"
#include "native/core/status.h"

namespace circle::binding {

// A view of a typed array; nothing is owned.
template <class T>
struct View {
  T* data = nullptr;
  int64_t length = 0;
};

constexpr int kHostMemory = -1;

// Rows in a device's memory, as an argument of a call.
struct DeviceArgument {
  float* data = nullptr;
  int64_t length = 0;
  int device = kHostMemory;
  std::shared_ptr<void> use;  // held until the call is over: keeps the rows, and whoever wants to change them waits
};

// Rows in the host's memory or, where the engine has one, in a device's; or none at all.
struct RowsArgument {
  View<float> on_host;
  DeviceArgument on_device;

  float* data() const { return on_device.data ? on_device.data : on_host.data; }
  int64_t length() const { return on_device.data ? on_device.length : on_host.length; }
};

// The arrays of a loss call, in the order of NativeSession.compute (lib/native.ts). Of the others: the request, the report,
// the anchors, the candidates, and then
//   similarity   the matrix in `gradient`, the candidates' rows
//   nearest      the similarities, the candidates found
//   rank         own runs, the similarities, how many others reach them
struct CallArrays {
  View<double> request, report;
  View<float> anchors;
  View<int32_t> anchor_labels;
  RowsArgument candidates;
  View<int32_t> candidate_labels;
  View<float> upstream, anchor_losses, gradient, candidate_gradient;
  View<int32_t> candidate_rows;
  RowsArgument first_moment, second_moment;
  View<int32_t> own_first, own_end;
  View<float> similarities;
  View<int32_t> counts;
};

// A call with its results and, where it has one, the update that they point to.
struct LossProblem {
  Problem problem{};
  Results results{};
  CandidateUpdate update{};
};

// False where the request contradicts its arrays.
bool make_rows(const CallArrays& arrays, Rows& rows);
bool make_problem(const CallArrays& arrays, LossProblem& made);
bool make_nearest(const CallArrays& arrays, const Rows& rows, Nearest& nearest);
bool make_ranking(const CallArrays& arrays, const Rows& rows, Ranking& ranking);

// Fills the report; `results` are those of a loss, or null.
void write_report(const View<double>& report, const Outcome& outcome, const Results* results);

}  // namespace circle::binding
