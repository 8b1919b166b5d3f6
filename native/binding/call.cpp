#include "native/binding/call.h"

#include <cmath>

#include "native/binding/request.h"

namespace circle::binding {
namespace {

double field(const CallArrays& arrays, RequestField name) {
  return arrays.request.data[static_cast<int>(name)];
}

// A count that fits: an integer from `least` to 2⁵³.
bool read_count(const CallArrays& arrays, RequestField name, int64_t least, int64_t& count) {
  const double value = field(arrays, name);
  if (!(value >= static_cast<double>(least) && value <= 9007199254740992.0) || value != std::floor(value)) return false;
  count = static_cast<int64_t>(value);
  return true;
}

template <class Enumeration>
bool read_enumeration(const CallArrays& arrays, RequestField name, int count, Enumeration& out) {
  int64_t value;
  if (!read_count(arrays, name, 0, value) || value >= count) return false;
  out = static_cast<Enumeration>(value);
  return true;
}

// 2⁴⁷ bytes, which is all that a process can address: with fewer, no size that the engines compute leaves 64 bits.
constexpr int64_t kMostNumbers = int64_t{1} << 45;

// rows × dim = length, without overflow.
bool has_shape(int64_t length, int64_t rows, int64_t dim) {
  return length % dim == 0 && length / dim == rows;
}

// Whether two arrays share memory. Rows on a device share none with the host's.
template <class A, class B>
bool overlap(const View<A>& a, const View<B>& b) {
  const auto start_a = reinterpret_cast<uintptr_t>(a.data), start_b = reinterpret_cast<uintptr_t>(b.data);
  return a.length > 0 && b.length > 0 && start_a < start_b + static_cast<uintptr_t>(b.length) * sizeof(B) &&
         start_b < start_a + static_cast<uintptr_t>(a.length) * sizeof(A);
}

// Indices are checked, then relied upon while results are written: a result in their memory would send others anywhere.
bool is_apart_from_results(const View<int32_t>& indices, const CallArrays& a) {
  return !overlap(indices, a.anchor_losses) && !overlap(indices, a.gradient) &&
         !overlap(indices, a.candidate_gradient) && !overlap(indices, a.candidates.on_host) &&
         !overlap(indices, a.first_moment.on_host) && !overlap(indices, a.second_moment.on_host) &&
         !overlap(indices, a.similarities) && !overlap(indices, a.counts);
}

// Ascending rows of the candidates: none twice, so that no two threads move the same.
bool has_candidate_rows(const CallArrays& arrays, const Rows& rows) {
  const View<int32_t>& chosen = arrays.candidate_rows;
  const int64_t all = arrays.candidates.length() / rows.dim;
  if (arrays.candidates.length() % rows.dim != 0 || chosen.length != rows.candidate_count) return false;
  if (!is_apart_from_results(chosen, arrays)) return false;
  for (int64_t i = 0; i < chosen.length; ++i)
    if (chosen.data[i] < 0 || chosen.data[i] >= all || (i > 0 && chosen.data[i] <= chosen.data[i - 1])) return false;
  return true;
}

enum class OptimizerKind : int { kNone, kSgd, kAdam };

Optimizer make_optimizer(const CallArrays& arrays, OptimizerKind kind) {
  const double learning_rate = field(arrays, RequestField::learningRate);
  const double weight_decay = field(arrays, RequestField::weightDecay);
  if (kind == OptimizerKind::kSgd) return Sgd::make(learning_rate, field(arrays, RequestField::momentum), weight_decay);
  return Adam::make(learning_rate, field(arrays, RequestField::beta1), field(arrays, RequestField::beta2),
                    field(arrays, RequestField::epsilon), weight_decay, field(arrays, RequestField::step));
}

// Moments lie where the candidates lie, in the same shape; there are as many as the optimiser has.
bool has_moments(const CallArrays& arrays, int count) {
  const RowsArgument& candidates = arrays.candidates;
  const auto fits = [&](const RowsArgument& moments, bool wanted) {
    if (!wanted) return moments.data() == nullptr;
    return moments.length() == candidates.length() && moments.on_device.device == candidates.on_device.device;
  };
  return fits(arrays.first_moment, count > 0) && fits(arrays.second_moment, count > 1);
}

bool make_update(const CallArrays& arrays, LossProblem& made) {
  OptimizerKind kind;
  if (!read_enumeration(arrays, RequestField::optimizer, 3, kind)) return false;
  if (kind == OptimizerKind::kNone) return has_moments(arrays, 0);
  made.update = {make_optimizer(arrays, kind), arrays.candidates.data(), arrays.first_moment.data(),
                 arrays.second_moment.data()};
  made.results.update = &made.update;
  const int moments = std::visit([](const auto& rule) { return rule.moments(); }, made.update.optimizer);
  return made.problem.rows.candidate_kind != CandidateKind::kBatch && !made.results.candidate_gradient &&
         has_moments(arrays, moments);
}

enum class PairLossKind : int { kCircle, kUnified, kArcFace, kTriplet };

bool make_pair_loss(const CallArrays& arrays, PairLoss& loss) {
  const double gamma = field(arrays, RequestField::gamma), margin = field(arrays, RequestField::margin);
  PairLossKind kind;
  if (!read_enumeration(arrays, RequestField::pairLoss, 4, kind)) return false;
  const bool derivative = field(arrays, RequestField::derivative) != 0;
  switch (kind) {
    case PairLossKind::kCircle:
      loss = CircleLoss::make(
          gamma, {field(arrays, RequestField::optimumPositive), field(arrays, RequestField::targetPositive)},
          {field(arrays, RequestField::optimumNegative), field(arrays, RequestField::targetNegative)},
          derivative ? CircleDerivative::kFull : CircleDerivative::kDetached);
      return true;
    case PairLossKind::kUnified:
      loss = UnifiedLoss::make(gamma, margin);
      return true;
    case PairLossKind::kArcFace:
      loss = ArcFaceLoss::make(
          gamma, margin, derivative ? ArcFaceLoss::Derivative::kExact : ArcFaceLoss::Derivative::kStraightThrough,
          field(arrays, RequestField::beyondPi) != 0 ? ArcFaceLoss::BeyondPi::kCosine : ArcFaceLoss::BeyondPi::kLinear);
      return true;
    case PairLossKind::kTriplet:
      loss = TripletLoss::make(margin);
      return true;
  }
  return false;
}

}  // namespace

bool make_rows(const CallArrays& a, Rows& rows) {
  int64_t threads;
  if (!read_count(a, RequestField::anchorCount, 1, rows.anchor_count) ||
      !read_count(a, RequestField::candidateCount, 1, rows.candidate_count) ||
      !read_count(a, RequestField::dim, 1, rows.dim) ||
      !read_enumeration(a, RequestField::candidateKind, 3, rows.candidate_kind) ||
      !read_enumeration(a, RequestField::normalize, 2, rows.normalize) ||
      !read_enumeration(a, RequestField::checkFinite, 2, rows.finite_check) ||
      !read_count(a, RequestField::threads, 1, threads) ||
      !read_count(a, RequestField::workspaceLimit, 0, rows.workspace_limit) ||
      !read_enumeration(a, RequestField::precision, 2, rows.precision))
    return false;
  rows.threads = static_cast<int>(threads < 1024 ? threads : 1024);
  rows.anchors = a.anchors.data;
  const bool batch = rows.candidate_kind == CandidateKind::kBatch;
  rows.candidates_place = a.candidates.on_device.data ? Place::kDevice : Place::kHost;
  rows.candidates = batch ? a.anchors.data : a.candidates.data();
  rows.candidate_rows = a.candidate_rows.data;
  if (a.anchors.length > kMostNumbers || a.candidates.length() > kMostNumbers || rows.candidate_count > INT32_MAX ||
      !has_shape(a.anchors.length, rows.anchor_count, rows.dim))
    return false;
  if (batch) return rows.candidate_count == rows.anchor_count && !a.candidates.data() && !rows.candidate_rows;
  return rows.candidate_rows ? has_candidate_rows(a, rows)
                             : has_shape(a.candidates.length(), rows.candidate_count, rows.dim);
}

bool make_problem(const CallArrays& a, LossProblem& made) {
  Problem& problem = made.problem;
  Results& results = made.results;
  if (!make_rows(a, problem.rows) || !make_pair_loss(a, problem.pair_loss) ||
      !read_enumeration(a, RequestField::scope, 2, problem.scope) ||
      !read_enumeration(a, RequestField::reduction, 4, problem.reduction))
    return false;
  const Rows& rows = problem.rows;
  const int64_t terms = problem.scope == Scope::kBatch ? 1 : rows.anchor_count;
  problem.anchor_labels = a.anchor_labels.data;
  problem.candidate_labels = a.candidate_labels.data;
  problem.upstream = field(a, RequestField::upstream);
  problem.anchor_upstream = a.upstream.data;
  results.anchor_losses = a.anchor_losses.data;
  results.gradient = a.gradient.data;
  results.candidate_gradient = a.candidate_gradient.data;
  const bool labelled = rows.candidate_kind == CandidateKind::kSet;
  return a.anchor_labels.length == rows.anchor_count &&
         a.candidate_labels.length == (labelled ? rows.candidate_count : 0) &&
         (!a.upstream.data || a.upstream.length == terms) && a.anchor_losses.length == terms &&
         (!a.gradient.data || a.gradient.length == a.anchors.length) &&
         (!a.candidate_gradient.data || (rows.candidate_kind != CandidateKind::kBatch &&
                                         has_shape(a.candidate_gradient.length, rows.candidate_count, rows.dim))) &&
         !(problem.scope == Scope::kBatch && std::holds_alternative<TripletLoss>(problem.pair_loss)) &&
         make_update(a, made);
}

bool make_nearest(const CallArrays& a, const Rows& rows, Nearest& nearest) {
  const int64_t others = rows.candidate_count - (rows.candidate_kind == CandidateKind::kBatch ? 1 : 0);
  nearest = {a.similarities.length / rows.anchor_count, a.similarities.data, a.counts.data};
  return has_shape(a.similarities.length, rows.anchor_count, nearest.k > 0 ? nearest.k : 1) && nearest.k >= 1 &&
         nearest.k <= others && a.counts.length == a.similarities.length;
}

bool make_ranking(const CallArrays& a, const Rows& rows, Ranking& ranking) {
  ranking = {a.own_first.data, a.own_end.data, a.similarities.data, a.counts.data};
  if (a.own_first.length != rows.anchor_count || a.own_end.length != rows.anchor_count) return false;
  if (!is_apart_from_results(a.own_first, a) || !is_apart_from_results(a.own_end, a)) return false;
  int64_t length = 0;
  for (int64_t i = 0; i < rows.anchor_count; ++i) {
    const int32_t first = a.own_first.data[i], end = a.own_end.data[i];
    if (first < 0 || end < first || end > rows.candidate_count) return false;
    length += end - first;
  }
  return a.similarities.length == length && a.counts.length == length;
}

void write_report(const View<double>& report, const Outcome& outcome, const Results* results) {
  const auto set = [&](ReportField name, double value) { report.data[static_cast<int>(name)] = value; };
  set(ReportField::status, static_cast<double>(outcome.status));
  set(ReportField::array, static_cast<double>(outcome.array));
  set(ReportField::row, static_cast<double>(outcome.row));
  set(ReportField::loss, results ? results->loss : 0);
  set(ReportField::validAnchors, results ? static_cast<double>(results->valid_anchors) : 0);
  set(ReportField::deviceError, outcome.device_error);
}

}  // namespace circle::binding
