#include "test/native/request_case.h"

#include <algorithm>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"

namespace circle {

namespace binding {
namespace {

std::vector<std::string> variants() {
  return {cpu::available_kernels().front()->name};
}

std::unique_ptr<Engine> open(const std::string& variant, int) {
  const cpu::Kernels* const kernels = cpu::find_kernels(variant.c_str());
  return kernels ? std::make_unique<cpu::Engine>(*kernels) : nullptr;
}

EngineKind& kind() {
  static EngineKind kind{WhenTaken::kOpenAnother, variants, open, nullptr};
  return kind;
}

}  // namespace

const EngineKind& engine_kind() {
  return kind();
}

}  // namespace binding

namespace {

using binding::ReportField;
using binding::RequestField;

constexpr int64_t kNearest = 3, kRun = 7;

// How many numbers the two outputs of floats have, and that of integers.
struct Lengths {
  int64_t first, second, counts;
};

Lengths lengths(RequestCase::Kind kind, const Shape& shape) {
  using Kind = RequestCase::Kind;
  switch (kind) {
    case Kind::kLoss:
      return {shape.anchors * shape.dim, shape.candidates * shape.dim, 0};
    case Kind::kMovingLoss:
      return {shape.anchors * shape.dim, 0, 0};
    case Kind::kSimilarity:
      return {shape.anchors * shape.candidates, 0, 0};
    case Kind::kNearest:
      return {shape.anchors * kNearest, 0, shape.anchors * kNearest};
    case Kind::kRank:
      return {shape.anchors * kRun, 0, shape.anchors * kRun};
  }
  return {};
}

template <class T>
binding::View<T> view(Guarded<T>& array) {
  return {array.size() > 0 ? array.data() : nullptr, array.size()};
}
// Inputs that nobody writes.
template <class T>
binding::View<T> view(const std::vector<T>& values) {
  return {const_cast<T*>(values.data()), static_cast<int64_t>(values.size())};
}

bool same_bits(const GuardedFloats& a, const GuardedFloats& b) {
  return circle::same_bits(a.values(), b.values());
}

}  // namespace

void set_when_taken(binding::WhenTaken when_taken) {
  binding::kind().when_taken = when_taken;
}

std::shared_ptr<binding::SharedEngine> open_shared_engine() {
  return binding::SharedEngine::open(binding::engine_kind().variants().front(), 0);
}

RequestCase::RequestCase(Kind kind, const Data& data)
    : kind_(kind),
      data_(data),
      request_(static_cast<size_t>(RequestField::kCount)),
      report_(static_cast<size_t>(ReportField::kCount)),
      candidates_(static_cast<int64_t>(data.candidates.size())),
      moment_(kind == Kind::kMovingLoss ? candidates_.size() : 0),
      first_(lengths(kind, data.shape).first),
      second_(kind == Kind::kLoss || kind == Kind::kMovingLoss ? data.shape.anchors + lengths(kind, data.shape).second
                                                               : 0),
      counts_(lengths(kind, data.shape).counts) {
  const Shape& shape = data.shape;
  std::copy(data.candidates.begin(), data.candidates.end(), candidates_.data());
  std::fill_n(moment_.data(), moment_.size(), 0.5f);
  set(RequestField::anchorCount, static_cast<double>(shape.anchors));
  set(RequestField::candidateCount, static_cast<double>(shape.candidates));
  set(RequestField::dim, static_cast<double>(shape.dim));
  set(RequestField::candidateKind, static_cast<int>(CandidateKind::kSet));
  set(RequestField::gamma, 64);
  set(RequestField::pairLoss, 1);
  set(RequestField::normalize, 1);
  set(RequestField::upstream, 1);
  set(RequestField::checkFinite, 1);
  set(RequestField::threads, 3);
  set(RequestField::workspaceLimit, 1 << 28);
  arrays_.request = {request_.data(), static_cast<int64_t>(request_.size())};
  arrays_.report = {report_.data(), static_cast<int64_t>(report_.size())};
  arrays_.anchors = view(data.anchors);
  arrays_.candidates.on_host = view(candidates_);
  arrays_.gradient = view(first_);
  if (kind == Kind::kLoss || kind == Kind::kMovingLoss) {
    arrays_.anchor_labels = view(data.anchor_labels);
    arrays_.candidate_labels = view(data.candidate_labels);
    arrays_.anchor_losses = {second_.data(), shape.anchors};
    if (kind == Kind::kLoss) arrays_.candidate_gradient = {second_.data() + shape.anchors, candidates_.size()};
  }
  if (kind == Kind::kMovingLoss) {
    set(RequestField::optimizer, 1);
    set(RequestField::learningRate, 0.125);
    set(RequestField::momentum, 0.5);
    arrays_.first_moment.on_host = view(moment_);
  }
  if (kind == Kind::kNearest || kind == Kind::kRank) {
    arrays_.gradient = {};
    arrays_.similarities = view(first_);
    arrays_.counts = view(counts_);
  }
  if (kind == Kind::kRank) {
    for (int64_t anchor = 0; anchor < shape.anchors; ++anchor) {
      own_first_.push_back(static_cast<int32_t>(anchor % (shape.candidates - kRun)));
      own_end_.push_back(own_first_.back() + static_cast<int32_t>(kRun));
    }
    arrays_.own_first = view(own_first_);
    arrays_.own_end = view(own_end_);
  }
}

Outcome RequestCase::run(binding::SharedEngine& engine, const std::atomic<bool>* abort) {
  switch (kind_) {
    case Kind::kLoss:
    case Kind::kMovingLoss:
      return binding::run_compute(engine, arrays_, abort);
    case Kind::kSimilarity:
      return binding::run_similarity(engine, arrays_, abort);
    case Kind::kNearest:
      return binding::run_nearest(engine, arrays_, abort);
    case Kind::kRank:
      break;
  }
  return binding::run_rank(engine, arrays_, abort);
}

bool RequestCase::guards_intact() const {
  return candidates_.guards_intact() && moment_.guards_intact() && first_.guards_intact() && second_.guards_intact() &&
         counts_.guards_intact();
}

bool RequestCase::untouched() const {
  const std::vector<float> moments = moment_.values();
  return first_.untouched() && second_.untouched() && counts_.untouched() &&
         circle::same_bits(candidates_.values(), data_.candidates) &&
         std::all_of(moments.begin(), moments.end(), [](float x) { return x == 0.5f; });
}

bool RequestCase::same_bits_as(const RequestCase& other) const {
  return report_ == other.report_ && same_bits(candidates_, other.candidates_) && same_bits(moment_, other.moment_) &&
         same_bits(first_, other.first_) && same_bits(second_, other.second_) &&
         counts_.values() == other.counts_.values();
}

}  // namespace circle
