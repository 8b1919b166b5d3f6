// Calls of `nearest` and `rank`, and what a sort of the same engine's similarity matrix answers.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "native/core/ranking.h"
#include "test/cuda/cores.h"

namespace circle::cuda {

// Integers in the place of floats, so that both answers have the same guards.
inline int32_t* as_integers(GuardedFloats& memory) {
  return reinterpret_cast<int32_t*>(memory.data());
}

inline std::vector<int32_t> integers_of(const GuardedFloats& memory) {
  const std::vector<float> values = memory.values();
  std::vector<int32_t> integers(values.size());
  if (!values.empty()) std::memcpy(integers.data(), values.data(), values.size() * sizeof(float));
  return integers;
}

// What either call writes.
struct Answer {
  GuardedFloats similarities, integers;
  Outcome outcome;

  explicit Answer(int64_t count) : similarities(count), integers(count) {}

  bool guards_intact() const { return similarities.guards_intact() && integers.guards_intact(); }
  bool untouched() const { return similarities.untouched() && integers.untouched(); }
  bool is(const std::vector<float>& found, const std::vector<int32_t>& numbers) const {
    return same_bits(similarities.values(), found) && integers_of(integers) == numbers;
  }
  bool same_bits_as(const Answer& other) const {
    return outcome.status == other.outcome.status && is(other.similarities.values(), integers_of(other.integers));
  }
};

struct NearestCall : Answer {
  Nearest nearest;

  NearestCall(const Rows& rows, int64_t k)
      : Answer(rows.anchor_count * k), nearest{k, similarities.data(), as_integers(integers)} {}

  NearestCall& run(Engine& engine, const Rows& rows, const std::atomic<bool>* abort = nullptr) {
    outcome = engine.nearest(rows, nearest, abort);
    return *this;
  }
};

struct Runs {
  std::vector<int32_t> first, end;

  void add(int64_t begin, int64_t past) {
    first.push_back(static_cast<int32_t>(begin));
    end.push_back(static_cast<int32_t>(past));
  }
  int64_t pairs() const {
    int64_t pairs = 0;
    for (size_t i = 0; i < first.size(); ++i) pairs += end[i] - first[i];
    return pairs;
  }
};

struct RankCall : Answer {
  Ranking ranking;

  explicit RankCall(const Runs& runs)
      : Answer(runs.pairs()), ranking{runs.first.data(), runs.end.data(), similarities.data(), as_integers(integers)} {}
  explicit RankCall(Runs&&) = delete;  // they are borrowed

  RankCall& run(Engine& engine, const Rows& rows, const std::atomic<bool>* abort = nullptr) {
    outcome = engine.rank(rows, ranking, abort);
    return *this;
  }
};

// Candidates cut evenly, as labels that lie in order cut them; of a batch an anchor's run is the one that it is in.
inline Runs even_runs(const Rows& rows, int64_t runs) {
  const auto bound = [&](int64_t run) { return run * rows.candidate_count / runs; };
  Runs made;
  int64_t run = 0;
  for (int64_t anchor = 0; anchor < rows.anchor_count; ++anchor) {
    if (rows.candidate_kind == CandidateKind::kBatch)
      while (bound(run + 1) <= anchor) ++run;
    else
      run = anchor % runs;
    made.add(bound(run), bound(run + 1));
  }
  return made;
}

// Anywhere, of any length, empty ones and whole ones among them; of a batch with and without the anchor.
inline Runs wild_runs(const Rows& rows, Random& random) {
  Runs made;
  const int count = static_cast<int>(rows.candidate_count);
  for (int64_t anchor = 0; anchor < rows.anchor_count; ++anchor) {
    const int a = random.below(count + 1), b = random.below(count + 1);
    if (anchor % 7 == 3)
      made.add(a, a);
    else if (anchor % 7 == 5)
      made.add(0, count);
    else
      made.add(std::min(a, b), std::max(a, b));
  }
  return made;
}

class SearchMatrix {
 public:
  SearchMatrix(Engine& engine, const Rows& rows)
      : rows_(rows), matrix_(static_cast<size_t>(rows.anchor_count * rows.candidate_count)) {
    // As of given candidates: the matrix of a batch is mirrored, and searches are not.
    Rows given = rows;
    given.candidate_kind = CandidateKind::kSet;
    REQUIRE(engine.similarity(given, matrix_.data(), nullptr).ok());
  }

  bool answers(const NearestCall& call) const {
    const int64_t k = call.nearest.k;
    std::vector<float> similarities;
    std::vector<int32_t> candidates;
    for (int64_t anchor = 0; anchor < rows_.anchor_count; ++anchor) {
      const float* const row = matrix_.data() + anchor * rows_.candidate_count;
      std::vector<int32_t> all(static_cast<size_t>(rows_.candidate_count));
      std::iota(all.begin(), all.end(), 0);
      if (rows_.candidate_kind == CandidateKind::kBatch) all.erase(all.begin() + anchor);
      std::stable_sort(all.begin(), all.end(), [&](int32_t a, int32_t b) { return row[a] > row[b]; });
      all.resize(static_cast<size_t>(k));
      candidates.insert(candidates.end(), all.begin(), all.end());
      for (const int32_t candidate : all) similarities.push_back(row[candidate]);
    }
    return call.outcome.ok() && call.guards_intact() && call.is(similarities, candidates);
  }

  bool answers(const RankCall& call) const {
    std::vector<float> similarities;
    std::vector<int32_t> reached_by;
    for (int64_t anchor = 0; anchor < rows_.anchor_count; ++anchor) {
      const float* const row = matrix_.data() + anchor * rows_.candidate_count;
      const int32_t first = call.ranking.own_first[anchor], end = call.ranking.own_end[anchor];
      std::vector<float> others(row, row + first);
      others.insert(others.end(), row + end, row + rows_.candidate_count);
      std::sort(others.begin(), others.end());
      for (int32_t own = first; own < end; ++own) {
        similarities.push_back(row[own]);
        const auto below = std::lower_bound(others.begin(), others.end(), row[own]) - others.begin();
        reached_by.push_back(static_cast<int32_t>(static_cast<int64_t>(others.size()) - below));
      }
    }
    return call.outcome.ok() && call.guards_intact() && call.is(similarities, reached_by);
  }

 private:
  const Rows rows_;
  std::vector<float> matrix_;
};

// Rows of few small integers, so that many similarities are equal.
struct SearchData {
  Data data;

  SearchData(Shape shape, CandidateKind kind) : data(shape, kind) {
    for (std::vector<float>* values : {&data.anchors, &data.candidates})
      for (float& value : *values) value = std::floor(value * 3) + 0.5f;
  }
  SearchData(SearchData&&) = delete;

  Rows rows(const ChosenCore& core) const { return core.of(data.problem(definitions().front())).rows; }
};

}  // namespace circle::cuda
