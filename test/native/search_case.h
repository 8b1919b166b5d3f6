// Searches on made-up data, for tests: what is found, between guard zones, and what a sort of the matrix finds.
#pragma once

#include <algorithm>
#include <vector>

#include "test/native/engine_case.h"

namespace circle {

struct NearestCall {
  GuardedFloats similarities;
  GuardedInts candidates;
  Nearest nearest;
  Outcome outcome;

  NearestCall(const Rows& rows, int64_t k)
      : similarities(rows.anchor_count * k),
        candidates(rows.anchor_count * k),
        nearest{k, similarities.data(), candidates.data()} {}

  NearestCall& run(Engine& engine, const Rows& rows, const std::atomic<bool>* abort = nullptr) {
    outcome = engine.nearest(rows, nearest, abort);
    return *this;
  }
  bool guards_intact() const { return similarities.guards_intact() && candidates.guards_intact(); }
  bool untouched() const { return similarities.untouched() && candidates.untouched(); }
  bool same_as(const NearestCall& other) const {
    return same_bits(similarities.values(), other.similarities.values()) &&
           candidates.values() == other.candidates.values();
  }
};

// Runs of `length` candidates one after the other; anchor i has the run that candidate i is in, or if it is beyond the last
// none. A batch's anchors so have runs that contain them.
struct RankCall {
  std::vector<int32_t> own_first, own_end;
  GuardedFloats similarities;
  GuardedInts reached_by;
  Ranking ranking;
  Outcome outcome;

  RankCall(const Rows& rows, int64_t length)
      : own_first(runs(rows, length, 0)),
        own_end(runs(rows, length, length)),
        similarities(pairs()),
        reached_by(pairs()),
        ranking{own_first.data(), own_end.data(), similarities.data(), reached_by.data()} {}

  RankCall& run(Engine& engine, const Rows& rows, const std::atomic<bool>* abort = nullptr) {
    outcome = engine.rank(rows, ranking, abort);
    return *this;
  }
  bool guards_intact() const { return similarities.guards_intact() && reached_by.guards_intact(); }
  bool untouched() const { return similarities.untouched() && reached_by.untouched(); }
  bool same_as(const RankCall& other) const {
    return same_bits(similarities.values(), other.similarities.values()) &&
           reached_by.values() == other.reached_by.values();
  }

 private:
  static std::vector<int32_t> runs(const Rows& rows, int64_t length, int64_t offset) {
    std::vector<int32_t> bounds;
    for (int64_t anchor = 0; anchor < rows.anchor_count; ++anchor) {
      const int64_t bound = anchor / length * length + offset;
      bounds.push_back(anchor >= rows.candidate_count ? 0
                                                      : static_cast<int32_t>(std::min(bound, rows.candidate_count)));
    }
    return bounds;
  }
  int64_t pairs() const {
    int64_t sum = 0;
    for (size_t anchor = 0; anchor < own_first.size(); ++anchor) sum += own_end[anchor] - own_first[anchor];
    return sum;
  }
};

// The matrix of the same engine, sorted and counted.
inline bool is_right(const NearestCall& call, const Rows& rows, const std::vector<float>& matrix) {
  const int64_t k = call.nearest.k, count = rows.candidate_count;
  for (int64_t anchor = 0; anchor < rows.anchor_count; ++anchor) {
    std::vector<int32_t> order;
    for (int32_t candidate = 0; candidate < count; ++candidate)
      if (rows.candidate_kind != CandidateKind::kBatch || candidate != anchor) order.push_back(candidate);
    const float* const row = matrix.data() + anchor * count;
    std::sort(order.begin(), order.end(),
              [&](int32_t a, int32_t b) { return row[a] > row[b] || (row[a] == row[b] && a < b); });
    for (int64_t i = 0; i < k; ++i)
      if (call.candidates[anchor * k + i] != order[static_cast<size_t>(i)] ||
          call.similarities[anchor * k + i] != row[order[static_cast<size_t>(i)]])
        return false;
  }
  return true;
}

inline bool is_right(const RankCall& call, const Rows& rows, const std::vector<float>& matrix) {
  int64_t place = 0;
  for (int64_t anchor = 0; anchor < rows.anchor_count; ++anchor) {
    const int32_t first = call.own_first[static_cast<size_t>(anchor)], end = call.own_end[static_cast<size_t>(anchor)];
    const float* const row = matrix.data() + anchor * rows.candidate_count;
    std::vector<float> others(row, row + first);
    others.insert(others.end(), row + end, row + rows.candidate_count);
    std::sort(others.begin(), others.end());
    for (int32_t own = first; own < end; ++own, ++place) {
      const auto reaching = others.end() - std::lower_bound(others.begin(), others.end(), row[own]);
      if (call.similarities[place] != row[own] || call.reached_by[place] != reaching) return false;
    }
  }
  return true;
}

}  // namespace circle
