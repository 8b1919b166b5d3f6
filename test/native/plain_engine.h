// The engine once more, as definitions on whole matrices in double precision: what the native engine is held against.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "native/core/problem.h"

namespace circle {

struct LogitAndSlope {
  double logit, slope;
};

// A pair loss as the engine has it and as docs/math.md defines it.
struct Definition {
  std::string name;
  PairLoss loss;
  bool hardest;
  std::function<LogitAndSlope(double)> positive, negative;
};

// Every pair loss, with its variations.
std::vector<Definition> definitions();

struct PlainInputs {
  std::vector<double> anchors, candidates;  // candidates: empty for CandidateKind::kBatch
};

struct PlainResult {
  double loss = 0;
  int64_t valid_anchors = 0;
  std::vector<double> anchor_losses, gradient, candidate_gradient;
  // The largest sum of the sizes of the terms that a number of a gradient is made of.
  double gradient_size = 0, candidate_gradient_size = 0;
};

// `problem` has all but the rows, which come from `inputs`.
PlainResult plain_engine(const Definition& definition, const Problem& problem, const PlainInputs& inputs);

}  // namespace circle
