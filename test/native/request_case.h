// Calls as JavaScript makes them: a request and arrays, to an engine that several calls may want, for tests.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "native/binding/request.h"
#include "native/binding/shared_engine.h"
#include "test/native/engine_case.h"
#include "test/native/guarded.h"

namespace circle {

// What the engines of the tests are: those of the CPU, but a call that finds one taken does what a test wants.
void set_when_taken(binding::WhenTaken when_taken);

// Throws std::bad_alloc, as JavaScript's constructor of a session may.
std::shared_ptr<binding::SharedEngine> open_shared_engine();

// One call of the binding, between guard zones. Candidates are a set, `dim` ≥ 2.
class RequestCase {
 public:
  enum class Kind { kLoss, kMovingLoss, kSimilarity, kNearest, kRank };
  static constexpr Kind kKinds[] = {Kind::kLoss, Kind::kMovingLoss, Kind::kSimilarity, Kind::kNearest, Kind::kRank};

  RequestCase(Kind kind, const Data& data);
  RequestCase(const RequestCase&) = delete;
  RequestCase& operator=(const RequestCase&) = delete;

  void set(binding::RequestField field, double value) { request_[static_cast<size_t>(field)] = value; }
  binding::CallArrays& arrays() { return arrays_; }
  Outcome run(binding::SharedEngine& engine, const std::atomic<bool>* abort = nullptr);

  double reported(binding::ReportField field) const { return report_[static_cast<size_t>(field)]; }
  bool guards_intact() const;
  // No output has been written, no candidate has moved.
  bool untouched() const;
  bool same_bits_as(const RequestCase& other) const;

 private:
  const Kind kind_;
  const Data& data_;
  std::vector<double> request_, report_;
  std::vector<int32_t> own_first_, own_end_;
  GuardedFloats candidates_, moment_, first_, second_;  // outputs as the kind has them
  GuardedInts counts_;
  binding::CallArrays arrays_;
};

}  // namespace circle
