#include "test/fuzz/answers.h"

#include <algorithm>
#include <cmath>

#include "test/fuzz/requests.h"
#include "test/native/plain_engine.h"
#include "test/native/samples.h"

namespace circle::fuzz {
namespace {

using binding::ReportField;
using binding::RequestField;

bool all_finite(const CallRun::Array<float>& array) {
  return !array ||
         std::all_of(array->data(), array->data() + array->length(), [](float x) { return std::isfinite(x); });
}

template <class T>
bool all_written(const CallRun::Array<T>& array) {
  return !array || array->untouched() == 0;
}

int64_t whole(const CallInput& input, RequestField field) {
  return static_cast<int64_t>(input.at(field));
}

bool reports_bad_rows(const CallInput& input) {
  return input.at(RequestField::checkFinite) == 1;
}

// Unit rows and parameters of a sensible size have a finite gradient, because a row shorter than 1e-12 is scaled by no
// more than 1e12, and 1e12 · 1e4 · 1e4 · the pairs of a call is a float32. A gamma below 1e-30 may be 0 in float32, and 0
// times the reference of an anchor that has no say is NaN: lib/ refuses it.
bool has_finite_gradient(const CallInput& input) {
  const auto is_sensible = [](double x) { return std::fabs(x) <= 1e4; };
  return reports_bad_rows(input) && input.at(RequestField::normalize) == 1 &&
         std::all_of(input.request.begin() + static_cast<size_t>(RequestField::gamma),
                     input.request.begin() + static_cast<size_t>(RequestField::derivative), is_sensible) &&
         input.at(RequestField::gamma) >= 1e-30 && is_sensible(input.at(RequestField::upstream)) &&
         (!input.upstream || std::all_of(input.upstream->begin(), input.upstream->end(), is_sensible));
}

const char* broken_in_loss(const CallInput& input, const CallRun& run) {
  if (!all_written(run.anchor_losses) || !all_written(run.gradient) || !all_written(run.candidate_gradient))
    return "a result is written whole";
  const double valid = run.reported(ReportField::validAnchors);
  if (!(valid >= 0 && valid <= static_cast<double>(run.anchor_losses->length()))) return "valid anchors are anchors";
  if (!reports_bad_rows(input)) return nullptr;
  if (!std::isfinite(run.reported(ReportField::loss)) || !all_finite(run.anchor_losses)) return "a loss is finite";
  if (has_finite_gradient(input) && (!all_finite(run.gradient) || !all_finite(run.candidate_gradient)))
    return "a gradient is finite";
  return nullptr;
}

const char* broken_in_matrix(const CallInput& input, const CallRun& run) {
  if (!all_written(run.gradient)) return "a matrix is written whole";
  if (input.at(RequestField::normalize) == 0 || !reports_bad_rows(input)) return nullptr;
  for (int64_t i = 0; i < run.gradient->length(); ++i)
    if (!(std::fabs(run.gradient->data()[i]) <= 1)) return "a cosine is in [−1, 1]";
  return nullptr;
}

const char* broken_in_search(const CallInput& input, const CallRun& run) {
  if (!all_written(run.similarities) || !all_written(run.counts)) return "an answer is written whole";
  if (!all_finite(run.similarities)) return "a similarity that is found is finite";
  if (!run.counts) return nullptr;  // of runs that are all empty: nothing is asked for
  const auto candidates = static_cast<int32_t>(whole(input, RequestField::candidateCount));
  const int32_t last = input.operation == Operation::kNearest ? candidates - 1 : candidates;
  for (int64_t i = 0; i < run.counts->length(); ++i)
    if (run.counts->data()[i] < 0 || run.counts->data()[i] > last) return "what is found is a candidate";
  return nullptr;
}

// The call that `run` was, for the definition.
Problem problem_of(const CallInput& input, CallRun& run) {
  Problem problem{};
  problem.rows.anchor_count = whole(input, RequestField::anchorCount);
  problem.rows.candidate_count = whole(input, RequestField::candidateCount);
  problem.rows.dim = whole(input, RequestField::dim);
  problem.rows.candidate_kind = static_cast<CandidateKind>(whole(input, RequestField::candidateKind));
  problem.rows.normalize = static_cast<Normalize>(whole(input, RequestField::normalize));
  problem.anchor_labels = run.anchor_labels->data();
  problem.candidate_labels = run.candidate_labels ? run.candidate_labels->data() : nullptr;
  problem.scope = static_cast<Scope>(whole(input, RequestField::scope));
  problem.reduction = static_cast<Reduction>(whole(input, RequestField::reduction));
  problem.upstream = input.at(RequestField::upstream);
  problem.anchor_upstream = run.upstream ? run.upstream->data() : nullptr;
  return problem;
}

// How far float32 may be from the definition, each side's steepest slope times the error of a similarity, and the
// rounding of the sums:
//   a similarity of unit rows adds up dim products and has 4 roundings of each row: (dim + 8) u, u = 2⁻²⁴
//   key and parameters are rounded a few times, at a slope no steeper: 8 u
//   an exponential's error is 4 u |x| eˣ ≤ 2 u of a sum that is at least 1, and a tile adds up at most 192 in float32
double loss_bound(const LossRequest& loss, int64_t pairs, int64_t dim, double exact) {
  const double steepest = loss.kind == LossKind::kArcFace ? loss.gamma * (1 + 1 / double{ArcFaceSide::kLeastSine})
                                                          : 2 * loss.gamma * 2.4;  // |2s − O − Δ| ≤ 4.8 at gamma
  const double similarity = static_cast<double>(dim + 16) * kRounding;
  const double sums = static_cast<double>(2 * pairs + 192 + 8) * kRounding;
  return 2 * (steepest * similarity + sums) + 4 * kRounding * std::fabs(exact);
}

bool is_comparable(const CallInput& input) {
  return input.operation == Operation::kCompute && !input.distorted && input.random_content && !input.candidate_rows &&
         input.at(RequestField::normalize) == 1 &&
         input.at(RequestField::anchorCount) * input.at(RequestField::candidateCount) * input.at(RequestField::dim) <=
             30000;
}

// Losses whose slope does not jump: it is off by no more than its own slope times the error of a similarity.
bool has_continuous_slope(size_t definition) {
  return definition == 0 || definition == 2 || definition == 3;
}

double shortest(const std::vector<float>& rows, int64_t dim) {
  double least = INFINITY;
  for (size_t first = 0; first < rows.size(); first += static_cast<size_t>(dim)) {
    double square = 0;
    for (int64_t d = 0; d < dim; ++d)
      square += double{rows[first + static_cast<size_t>(d)]} * rows[first + static_cast<size_t>(d)];
    least = std::min(least, square);
  }
  return std::sqrt(least);
}

// The gradient adds up weights, each upstream · (1 − e^−loss) · e^(logit − lse) · slope, times coordinates:
//   a weight is off by three losses' errors in its exponents, relatively, and the sum rounds once a term;
//   a slope by gamma times a similarity's error; weights add up to 2 an anchor, and |upstream| ≤ 1;
// both terms of g − (g · x̂) x̂ are √dim coordinates, divided by the row's length. Below 1e-30 numbers may be flushed to 0.
struct GradientBound {
  double relative, absolute;

  GradientBound(const LossRequest& loss, const Problem& problem, int64_t pairs, double largest_loss) {
    const Rows& rows = problem.rows;
    const double error = loss_bound(loss, pairs, rows.dim, largest_loss);
    relative = std::expm1(3 * error) +
               static_cast<double>(rows.anchor_count + rows.candidate_count + rows.dim + 32) * kRounding;
    absolute = 2 * static_cast<double>(rows.anchor_count + 1) * loss.gamma * static_cast<double>(rows.dim + 16) *
               kRounding * 2 * std::sqrt(rows.dim);
  }

  bool allow(const CallRun::Array<float>& found, const std::vector<double>& exact, double size, double length) const {
    if (!found) return true;
    const double bound = relative * size + absolute / length + 1e-30 / length;
    for (int64_t i = 0; i < found->length(); ++i)
      if (!(std::fabs(found->data()[i] - exact[static_cast<size_t>(i)]) <= bound)) return false;
    return true;
  }
};

}  // namespace

const char* broken_promise(const CallInput& input, const CallRun& run) {
  switch (input.operation) {
    case Operation::kCompute:
      return broken_in_loss(input, run);
    case Operation::kSimilarity:
      return broken_in_matrix(input, run);
    default:
      return broken_in_search(input, run);
  }
}

const char* other_than_defined(const CallInput& input, CallRun& run) {
  if (!is_comparable(input)) return nullptr;
  static const std::vector<Definition> all = definitions();
  const PlainInputs inputs{{input.anchors->begin(), input.anchors->end()},
                           input.candidates ? std::vector<double>(input.candidates->begin(), input.candidates->end())
                                            : std::vector<double>()};
  const Problem problem = problem_of(input, run);
  const PlainResult exact = plain_engine(all[input.definition], problem, inputs);
  if (run.reported(ReportField::validAnchors) != static_cast<double>(exact.valid_anchors))
    return "valid anchors are those that have both sides";
  const int64_t pairs = problem.rows.candidate_count * (problem.scope == Scope::kBatch ? problem.rows.anchor_count : 1);
  for (size_t i = 0; i < exact.anchor_losses.size(); ++i) {
    const double loss = exact.anchor_losses[i];
    const double bound = loss_bound(kLosses[input.definition], pairs, problem.rows.dim, loss);
    if (!(std::fabs(run.anchor_losses->data()[i] - loss) <= bound)) return "a loss is what is defined";
  }
  if (!has_continuous_slope(input.definition)) return nullptr;
  const double largest_loss = *std::max_element(exact.anchor_losses.begin(), exact.anchor_losses.end());
  const GradientBound bound(kLosses[input.definition], problem, pairs, largest_loss);
  const int64_t dim = problem.rows.dim;
  if (!bound.allow(run.gradient, exact.gradient, exact.gradient_size, shortest(*input.anchors, dim)) ||
      (run.candidate_gradient && !bound.allow(run.candidate_gradient, exact.candidate_gradient,
                                              exact.candidate_gradient_size, shortest(*input.candidates, dim))))
    return "a gradient is what is defined";
  return nullptr;
}

const char* other_than_sorted(const CallInput& input, CallRun& run, binding::SharedEngine& engine) {
  const int64_t anchors = whole(input, RequestField::anchorCount), count = whole(input, RequestField::candidateCount);
  if (anchors * count > 4096) return nullptr;
  CallInput matrix_input = input;
  matrix_input.operation = Operation::kSimilarity;
  matrix_input.matrix = anchors * count;
  const CallRun matrix(matrix_input, engine);
  if (!matrix.outcome.ok()) return "the matrix of a search is a matrix";
  const bool batch = whole(input, RequestField::candidateKind) == 0;
  const int64_t k = input.operation == Operation::kNearest ? run.counts->length() / anchors : 0;
  int64_t place = 0;
  for (int64_t anchor = 0; anchor < anchors; ++anchor) {
    const float* const row = matrix.gradient->data() + anchor * count;
    if (input.operation == Operation::kNearest) {
      std::vector<int32_t> order;
      for (int32_t candidate = 0; candidate < count; ++candidate)
        if (!(batch && candidate == anchor) && row[candidate] == row[candidate]) order.push_back(candidate);
      std::sort(order.begin(), order.end(),
                [&](int32_t a, int32_t b) { return row[a] > row[b] || (row[a] == row[b] && a < b); });
      for (int64_t i = 0; i < k; ++i, ++place)
        if (run.counts->data()[place] != order[static_cast<size_t>(i)] ||
            run.similarities->data()[place] != row[order[static_cast<size_t>(i)]])
          return "the nearest are first in the sorted row";
      continue;
    }
    const int32_t first = run.own_first->data()[anchor], end = run.own_end->data()[anchor];
    for (int32_t own = first; own < end; ++own, ++place) {
      int32_t reaching = 0;
      for (int32_t other = 0; other < count; ++other)
        reaching += (other < first || other >= end) && row[other] >= row[own];
      if (run.similarities->data()[place] != row[own] || run.counts->data()[place] != reaching)
        return "a rank counts the others that are at least as similar";
    }
  }
  return nullptr;
}

}  // namespace circle::fuzz
