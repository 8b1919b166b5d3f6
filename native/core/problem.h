// The shape of a call: borrowed pointers, counts, a pair loss. Every use of the package is this one problem with
// different candidates (ARCHITECTURE.md §1).
#pragma once

#include <cstdint>

#include "native/losses/pair_loss.h"
#include "native/optimizers/optimizer.h"

namespace circle {

enum class CandidateKind : int {
  kBatch,    // the anchors themselves; an anchor is no candidate of its own
  kSet,      // another set of labelled rows
  kClasses,  // class weights; row c has label c
};
enum class Normalize : int { kNo, kL2 };
enum class Scope : int { kAnchor, kBatch };
enum class Reduction : int { kMean, kMeanNonzero, kMeanAll, kSum };
enum class FiniteCheck : int { kPropagate, kReport };
// How an engine that has the choice computes products: as float32 does, or faster with half precision's rounding of each
// coordinate. Engines without the choice are exact.
enum class Precision : int { kExact, kFast };
enum class Place : int { kHost, kDevice };  // whose memory an array is in

// Rows that are compared with rows, and how: all that similarities need.
struct Rows {
  const float* anchors;  // anchor_count × dim, row-major
  int64_t anchor_count;
  const float* candidates;  // candidate_count × dim; the anchors for kBatch
  int64_t candidate_count;
  int64_t dim;
  CandidateKind candidate_kind;
  Normalize normalize;
  FiniteCheck finite_check;
  int threads;
  int64_t workspace_limit;  // bytes that tiles of similarities may take
  Precision precision = Precision::kExact;
  Place candidates_place = Place::kHost;
  // Which row of `candidates` each candidate is, each row at most once; or null where they are the rows in order. In the
  // host's memory, wherever the rows are.
  const int32_t* candidate_rows = nullptr;

  int64_t candidate_row(int64_t candidate) const { return candidate_rows ? candidate_rows[candidate] : candidate; }
};

struct Problem {
  Rows rows;
  const int32_t* anchor_labels;
  const int32_t* candidate_labels;  // null for kBatch and kClasses
  PairLoss pair_loss;
  Scope scope;
  Reduction reduction;
  double upstream;               // ∂final/∂loss
  const float* anchor_upstream;  // ∂final/∂L_i instead, or null
};

// A step of an optimiser on the candidates, in place of their gradient. Once it has begun, a call can no longer be aborted.
struct CandidateUpdate {
  Optimizer optimizer;
  float* candidates;                    // Rows::candidates
  float *first_moment, *second_moment;  // like the candidates, or null as Optimizer::moments() says; zero at first
};

// What a call writes when it ends well. An aborted call, or one whose device failed in the middle, may have written part
// of it; any other failure nothing.
struct Results {
  float* anchor_losses;                     // anchor_count, or 1 in Scope::kBatch
  float* gradient;                          // like the anchors, or null
  float* candidate_gradient;                // one row a candidate, or null
  const CandidateUpdate* update = nullptr;  // or null; one of the two
  double loss = 0;
  int64_t valid_anchors = 0;

  bool moves_candidates() const { return candidate_gradient || update; }
};

}  // namespace circle
