// One run of a call: its arrays, each in a region of its own, and what came of them.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "native/binding/shared_engine.h"
#include "test/fuzz/call_input.h"
#include "test/fuzz/region.h"

namespace circle::fuzz {

struct CallRun {
  template <class T>
  using Array = std::optional<Region<T>>;

  std::array<double, kRequestFields> request;
  std::array<double, static_cast<size_t>(binding::ReportField::kCount)> report{};
  Array<float> anchors, candidates, upstream, first_moment, second_moment;
  Array<int32_t> anchor_labels, candidate_labels, candidate_rows, own_first, own_end;
  Array<float> anchor_losses, gradient, candidate_gradient, similarities;
  Array<int32_t> counts;
  Outcome outcome;

  CallRun(const CallInput& input, binding::SharedEngine& engine);
  CallRun(const CallRun&) = delete;
  CallRun& operator=(const CallRun&) = delete;

  double reported(binding::ReportField field) const { return report[static_cast<size_t>(field)]; }
  // Outputs, and what a call may move.
  bool same_bits_as(const CallRun& other) const;
  // Outputs are as they were, and so is what a call may move. Not those of a search, which collects in them.
  bool untouched(const CallInput& input) const;
};

}  // namespace circle::fuzz
