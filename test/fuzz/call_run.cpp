#include "test/fuzz/call_run.h"

#include <cstring>

namespace circle::fuzz {
namespace {

template <class T>
void fill(CallRun::Array<T>& array, const Given<T>& given) {
  if (given) array.emplace(*given);
}
template <class T>
void fill(CallRun::Array<T>& array, const Length& length) {
  if (length) array.emplace(*length);
}

template <class T>
binding::View<T> view(CallRun::Array<T>& array) {
  return array ? array->view() : binding::View<T>{};
}

template <class T>
bool same_bits(const CallRun::Array<T>& a, const CallRun::Array<T>& b) {
  return a.has_value() == b.has_value() && (!a || a->same_bits_as(*b));
}

template <class T>
bool unwritten(const CallRun::Array<T>& array) {
  return !array || array->untouched() == array->length();
}

bool unmoved(const CallRun::Array<float>& array, const Given<float>& given) {
  return !array || array->same_bits_as(Region<float>(*given));
}

}  // namespace

CallRun::CallRun(const CallInput& input, binding::SharedEngine& engine) : request(input.request) {
  fill(anchors, input.anchors);
  fill(candidates, input.candidates);
  fill(upstream, input.upstream);
  fill(first_moment, input.first_moment);
  fill(second_moment, input.second_moment);
  fill(anchor_labels, input.anchor_labels);
  fill(candidate_labels, input.candidate_labels);
  fill(candidate_rows, input.candidate_rows);
  fill(own_first, input.own_first);
  fill(own_end, input.own_end);
  fill(anchor_losses, input.anchor_losses);
  fill(gradient, input.operation == Operation::kSimilarity ? input.matrix : input.gradient);
  fill(candidate_gradient, input.candidate_gradient);
  fill(similarities, input.similarities);
  fill(counts, input.counts);

  binding::CallArrays arrays;
  arrays.request = {request.data(), static_cast<int64_t>(request.size())};
  arrays.report = {report.data(), static_cast<int64_t>(report.size())};
  arrays.anchors = view(anchors);
  arrays.anchor_labels = view(anchor_labels);
  arrays.candidates.on_host = view(candidates);
  arrays.candidate_labels = view(candidate_labels);
  arrays.upstream = view(upstream);
  arrays.anchor_losses = view(anchor_losses);
  arrays.gradient = view(gradient);
  arrays.candidate_gradient = view(candidate_gradient);
  arrays.candidate_rows = view(candidate_rows);
  arrays.first_moment.on_host = view(first_moment);
  arrays.second_moment.on_host = view(second_moment);
  arrays.own_first = view(own_first);
  arrays.own_end = view(own_end);
  arrays.similarities = view(similarities);
  arrays.counts = view(counts);

  constexpr binding::RunCall kRuns[] = {binding::run_compute, binding::run_similarity, binding::run_nearest,
                                        binding::run_rank};
  const std::atomic<bool> abort{input.aborted};
  outcome = kRuns[static_cast<size_t>(input.operation)](engine, arrays, &abort);
}

bool CallRun::same_bits_as(const CallRun& other) const {
  return outcome.status == other.outcome.status &&
         std::memcmp(report.data(), other.report.data(), sizeof report) == 0 &&
         same_bits(candidates, other.candidates) && same_bits(first_moment, other.first_moment) &&
         same_bits(second_moment, other.second_moment) && same_bits(anchor_losses, other.anchor_losses) &&
         same_bits(gradient, other.gradient) && same_bits(candidate_gradient, other.candidate_gradient) &&
         same_bits(similarities, other.similarities) && same_bits(counts, other.counts);
}

bool CallRun::untouched(const CallInput& input) const {
  return unwritten(anchor_losses) && unwritten(gradient) && unwritten(candidate_gradient) &&
         unmoved(candidates, input.candidates) && unmoved(first_moment, input.first_moment) &&
         unmoved(second_moment, input.second_moment);
}

}  // namespace circle::fuzz
