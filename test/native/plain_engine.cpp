#include "test/native/plain_engine.h"

#include <algorithm>
#include <cmath>

namespace circle {
namespace {

Definition circle_loss(std::string name, double gamma, CircleLoss::Optimum p, CircleLoss::Optimum n,
                       CircleDerivative derivative) {
  const auto side = [=](double s, CircleLoss::Optimum o, bool active) -> LogitAndSlope {
    if (!active) return {0, 0};
    const double slope = derivative == CircleDerivative::kDetached ? s - o.optimum : 2 * s - o.optimum - o.target;
    return {gamma * (s - o.optimum) * (s - o.target), gamma * slope};
  };
  return {std::move(name), CircleLoss::make(gamma, p, n, derivative), false,
          [=](double s) { return side(s, p, s < p.optimum); }, [=](double s) { return side(s, n, s > n.optimum); }};
}

Definition unified_loss(double gamma, double margin) {
  return {"unified", UnifiedLoss::make(gamma, margin), false,
          [=](double s) {
            return LogitAndSlope{-gamma * s, -gamma};
          },
          [=](double s) {
            return LogitAndSlope{gamma * (s + margin), gamma};
          }};
}

Definition arcface_loss(std::string name, double gamma, double m, ArcFaceLoss::Derivative derivative,
                        ArcFaceLoss::BeyondPi beyond_pi) {
  const bool straight = derivative == ArcFaceLoss::Derivative::kStraightThrough;
  const auto positive = [=](double s) -> LogitAndSlope {
    s = std::clamp(s, -1.0, 1.0);
    const double theta = std::acos(s);
    if (beyond_pi == ArcFaceLoss::BeyondPi::kLinear && s < -std::cos(m))
      return {-gamma * (s - m * std::sin(m)), -gamma};
    return {-gamma * std::cos(theta + m), -gamma * (straight ? 1 : std::sin(theta + m) / std::sin(theta))};
  };
  return {std::move(name), ArcFaceLoss::make(gamma, m, derivative, beyond_pi), false, positive, [=](double s) {
            return LogitAndSlope{gamma * s, gamma};
          }};
}

Definition triplet_loss(double margin) {
  return {"triplet", TripletLoss::make(margin), true,
          [](double s) {
            return LogitAndSlope{-s, -1};
          },
          [=](double s) {
            return LogitAndSlope{s + margin, 1};
          }};
}

struct Unit {
  std::vector<double> rows, norms;
};

// A sum for each coordinate of each row, and the sum of its terms' sizes.
struct Sums {
  std::vector<double> value, size;

  explicit Sums(size_t count) : value(count), size(count) {}
  void add(size_t at, double term) {
    value[at] += term;
    size[at] += std::fabs(term);
  }
};

Unit unit_rows(const std::vector<double>& rows, int64_t dim, Normalize normalize) {
  Unit unit{rows, std::vector<double>(rows.size() / dim, 1)};
  for (size_t row = 0; normalize == Normalize::kL2 && row < unit.norms.size(); ++row) {
    double square = 0;
    for (int64_t d = 0; d < dim; ++d) square += rows[row * dim + d] * rows[row * dim + d];
    unit.norms[row] = std::sqrt(square);
    for (int64_t d = 0; d < dim; ++d) unit.rows[row * dim + d] /= unit.norms[row];
  }
  return unit;
}

std::vector<double> through_normalisation(const std::vector<double>& gradient, const Unit& unit, int64_t dim,
                                          Normalize normalize) {
  if (normalize == Normalize::kNo) return gradient;
  std::vector<double> out(gradient.size());
  for (size_t row = 0; row < unit.norms.size(); ++row) {
    double along = 0;
    for (int64_t d = 0; d < dim; ++d) along += gradient[row * dim + d] * unit.rows[row * dim + d];
    for (int64_t d = 0; d < dim; ++d)
      out[row * dim + d] = (gradient[row * dim + d] - along * unit.rows[row * dim + d]) / unit.norms[row];
  }
  return out;
}

// Both terms of g − (g · x̂) x̂ are at most √dim times the largest coordinate of g.
double largest_size(const Sums& gradient, const Unit& unit, int64_t dim) {
  double largest = 0;
  for (size_t i = 0; i < gradient.size.size(); ++i) largest = std::max(largest, gradient.size[i] / unit.norms[i / dim]);
  return 2 * std::sqrt(dim) * largest;
}

struct Pair {
  int64_t anchor, candidate;
  LogitAndSlope value;
};

// The pairs of one loss: of one anchor, or of the whole batch.
struct Term {
  std::vector<Pair> side[2];
};

double log_sum_exp(const std::vector<Pair>& pairs) {
  double largest = -INFINITY, sum = 0;
  for (const Pair& pair : pairs) largest = std::max(largest, pair.value.logit);
  for (const Pair& pair : pairs) sum += std::exp(pair.value.logit - largest);
  return largest + std::log(sum);
}

class PlainEngine {
 public:
  PlainEngine(const Definition& definition, const Problem& problem, const PlainInputs& inputs)
      : definition_(definition),
        problem_(problem),
        dim_(problem.rows.dim),
        batch_(problem.rows.candidate_kind == CandidateKind::kBatch),
        anchors_(unit_rows(inputs.anchors, dim_, problem.rows.normalize)),
        candidates_(unit_rows(batch_ ? inputs.anchors : inputs.candidates, dim_, problem.rows.normalize)),
        gradient_(anchors_.rows.size()),
        candidate_gradient_(candidates_.rows.size()) {}

  PlainResult run() {
    const bool whole = problem_.scope == Scope::kBatch;
    std::vector<Term> terms(whole ? 1 : anchors_.norms.size());
    for (int64_t i = 0; i < static_cast<int64_t>(anchors_.norms.size()); ++i)
      add_pairs(i, terms[whole ? 0 : static_cast<size_t>(i)]);

    PlainResult result;
    double sum = 0;
    int64_t nonzero = 0;
    for (const Term& term : terms) {
      result.anchor_losses.push_back(loss_of(term));
      result.valid_anchors += is_valid(term);
      nonzero += result.anchor_losses.back() > 0;
      sum += result.anchor_losses.back();
    }
    const double divisors[] = {static_cast<double>(result.valid_anchors), static_cast<double>(nonzero),
                               static_cast<double>(terms.size()), 1};
    const double by = divisors[static_cast<int>(problem_.reduction)];
    result.loss = by == 0 ? 0 : sum / by;
    for (size_t i = 0; i < terms.size(); ++i)
      add_gradient(terms[i], problem_.anchor_upstream ? problem_.anchor_upstream[i] : problem_.upstream / by);
    finish(result);
    return result;
  }

 private:
  static bool is_valid(const Term& term) { return !term.side[0].empty() && !term.side[1].empty(); }

  void add_pairs(int64_t i, Term& term) const {
    const CandidateKind kind = problem_.rows.candidate_kind;
    const bool unordered = batch_ && problem_.scope == Scope::kBatch;
    for (int64_t j = unordered ? i + 1 : 0; j < static_cast<int64_t>(candidates_.norms.size()); ++j) {
      if (batch_ && i == j) continue;
      const int64_t label = kind == CandidateKind::kClasses ? j
                            : batch_                        ? problem_.anchor_labels[j]
                                                            : problem_.candidate_labels[j];
      double s = 0;
      for (int64_t d = 0; d < dim_; ++d) s += anchors_.rows[i * dim_ + d] * candidates_.rows[j * dim_ + d];
      const bool positive = problem_.anchor_labels[i] == label;
      term.side[positive ? 0 : 1].push_back({i, j, positive ? definition_.positive(s) : definition_.negative(s)});
    }
  }

  static const Pair& hardest(const std::vector<Pair>& pairs) {
    return *std::max_element(pairs.begin(), pairs.end(),
                             [](const Pair& a, const Pair& b) { return a.value.logit < b.value.logit; });
  }

  double loss_of(const Term& term) const {
    if (!is_valid(term)) return 0;
    if (definition_.hardest)
      return std::max(0.0, hardest(term.side[0]).value.logit + hardest(term.side[1]).value.logit);
    const double t = log_sum_exp(term.side[0]) + log_sum_exp(term.side[1]);
    return t > 0 ? t + std::log1p(std::exp(-t)) : std::log1p(std::exp(t));
  }

  void add_gradient(const Term& term, double upstream) {
    const double loss = loss_of(term);
    if (!is_valid(term) || loss == 0) return;
    for (const std::vector<Pair>& side : term.side) {
      if (definition_.hardest) {
        add_pair(hardest(side), upstream);
        continue;
      }
      const double lse = log_sum_exp(side), sensitivity = -std::expm1(-loss);
      for (const Pair& pair : side) add_pair(pair, upstream * sensitivity * std::exp(pair.value.logit - lse));
    }
  }

  void add_pair(const Pair& pair, double weight) {
    const double by_similarity = weight * pair.value.slope;
    Sums& of_candidates = batch_ ? gradient_ : candidate_gradient_;
    for (int64_t d = 0; d < dim_; ++d) {
      gradient_.add(pair.anchor * dim_ + d, by_similarity * candidates_.rows[pair.candidate * dim_ + d]);
      of_candidates.add(pair.candidate * dim_ + d, by_similarity * anchors_.rows[pair.anchor * dim_ + d]);
    }
  }

  void finish(PlainResult& result) const {
    const Normalize normalize = problem_.rows.normalize;
    result.gradient = through_normalisation(gradient_.value, anchors_, dim_, normalize);
    result.gradient_size = largest_size(gradient_, anchors_, dim_);
    if (batch_) return;
    result.candidate_gradient = through_normalisation(candidate_gradient_.value, candidates_, dim_, normalize);
    result.candidate_gradient_size = largest_size(candidate_gradient_, candidates_, dim_);
  }

  const Definition& definition_;
  const Problem& problem_;
  const int64_t dim_;
  const bool batch_;
  const Unit anchors_, candidates_;
  Sums gradient_, candidate_gradient_;
};

}  // namespace

std::vector<Definition> definitions() {
  using ArcFace = ArcFaceLoss;
  return {circle_loss("circle", 80, {1.4, 0.6}, {-0.4, 0.4}, CircleDerivative::kDetached),
          circle_loss("circle differentiated", 80, {1.4, 0.6}, {-0.4, 0.4}, CircleDerivative::kFull),
          circle_loss("circle with clamped pairs", 48, {0.9, 1.1}, {0.1, -0.1}, CircleDerivative::kDetached),
          unified_loss(64, 0.35),
          arcface_loss("arcface", 64, 0.5, ArcFace::Derivative::kExact, ArcFace::BeyondPi::kLinear),
          arcface_loss("arcface straight-through", 16, 0.3, ArcFace::Derivative::kStraightThrough,
                       ArcFace::BeyondPi::kCosine),
          triplet_loss(0.2)};
}

PlainResult plain_engine(const Definition& definition, const Problem& problem, const PlainInputs& inputs) {
  return PlainEngine(definition, problem, inputs).run();
}

}  // namespace circle
