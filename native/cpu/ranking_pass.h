// Ranks, in two passes over similarities that never lie side by side. The first makes only the tiles that an own run
// touches, few where candidates are sorted by label, and keeps those runs: they are the thresholds of the second, which
// makes all tiles and counts, for each threshold of an anchor, the others that reach it. Both passes make a tile in the same
// way, to the bit, so that equals are equal.
//
// Sorted thresholds t₀ ≤ t₁ ≤ … cut the line into intervals: a value adds one to its interval, and what reaches tᵢ is the
// sum of the intervals from i on.
#pragma once

#include <algorithm>
#include <cmath>

#include "native/core/ranking.h"
#include "native/cpu/tile_views.h"

namespace circle::cpu {

class RankingPass {
 public:
  RankingPass(const Kernels& kernels, const Rows& rows, const Ranking& ranking, TileStream& stream,
              Workspace& workspace)
      : kernels_(kernels),
        limit_(rows.normalize == Normalize::kL2 ? 1.0f : INFINITY),
        ranking_(ranking),
        stream_(stream),
        views_(kernels, stream, workspace),
        workspace_(workspace) {}

  bool reserve() {
    const Blocks& anchors = stream_.plan.anchors;
    int64_t length = 0;
    for (int64_t anchor = 0; anchor < anchors.rows; ++anchor) length += own(anchor).size();
    return views_.reserve() &&
           workspace_.run_offsets.reserve((anchors.rows + 1) * static_cast<int64_t>(sizeof(int64_t))) &&
           workspace_.run_hulls.reserve(anchors.count() * static_cast<int64_t>(sizeof(Range))) &&
           workspace_.thresholds.reserve(length * static_cast<int64_t>(sizeof(float))) &&
           workspace_.reached.reserve(length * static_cast<int64_t>(sizeof(int32_t)));
  }

  Outcome run() {
    lay_out();
    views_.for_each([&](TileIndex tile) { return touches_own(tile); }, [&](const TileView& view) { record(view); });
    if (stream_.team.aborted()) return {Status::kAborted};
    for (int64_t i = 0; i < offsets()[stream_.plan.anchors.rows]; ++i)
      if (!std::isfinite(ranking_.similarities[i])) return {Status::kOverflow};
    for_each_anchor([&](int64_t anchor) { sort_thresholds(anchor); });
    views_.for_each([](TileIndex) { return true; }, [&](const TileView& view) { count(view); });
    for_each_anchor([&](int64_t anchor) { add_up(anchor); });
    return stream_.end();
  }

 private:
  Range own(int64_t anchor) const { return {ranking_.own_first[anchor], ranking_.own_end[anchor]}; }
  int64_t* offsets() const { return workspace_.run_offsets.as<int64_t>(); }
  float* thresholds(int64_t anchor) const { return workspace_.thresholds.as<float>() + offsets()[anchor]; }
  int32_t* reached(int64_t anchor) const { return workspace_.reached.as<int32_t>() + offsets()[anchor]; }

  template <class Visit>
  void for_each_anchor(const Visit& visit) {
    const Blocks& anchors = stream_.plan.anchors;
    stream_.team.for_each(anchors.count(), [&](int64_t block, int) {
      for (int64_t anchor = anchors.first(block), end = anchor + anchors.size(block); anchor < end; ++anchor)
        visit(anchor);
    });
  }

  // Where each run begins in the results, and between which candidates the runs of a block's anchors lie.
  void lay_out() const {
    const Blocks& anchors = stream_.plan.anchors;
    Range* const hulls = workspace_.run_hulls.as<Range>();
    std::fill_n(hulls, anchors.count(), Range{INT64_MAX, 0});
    offsets()[0] = 0;
    for (int64_t anchor = 0; anchor < anchors.rows; ++anchor) {
      offsets()[anchor + 1] = offsets()[anchor] + own(anchor).size();
      if (own(anchor).size() == 0) continue;
      Range& hull = hulls[anchor / anchors.edge];
      hull = {std::min(hull.begin, own(anchor).begin), std::max(hull.end, own(anchor).end)};
    }
  }

  bool touches_own(TileIndex tile) const {
    const auto touches = [&](int64_t block, int64_t other) {
      const Range hull = workspace_.run_hulls.as<Range>()[block];
      const int64_t first = stream_.plan.candidates.first(other);
      return hull.begin < first + stream_.plan.candidates.size(other) && hull.end > first;
    };
    return touches(tile.row_block, tile.column_block) ||
           (stream_.plan.symmetric && touches(tile.column_block, tile.row_block));
  }

  void record(const TileView& view) const {
    for (int r = 0; r < view.rows; ++r) {
      const int64_t anchor = view.first_row + r;
      const int64_t first = std::max(own(anchor).begin, view.first_column);
      const int64_t end = std::min(own(anchor).end, view.first_column + view.columns);
      float* const to = ranking_.similarities + offsets()[anchor] - own(anchor).begin;
      for (int64_t candidate = first; candidate < end; ++candidate)
        to[candidate] = clamp(view.row(r)[candidate - view.first_column]);
    }
  }

  // What is counted is not clamped. Of unit rows no threshold is above 1, so that nothing there needs it; down at −1 a value
  // that rounding left below would not reach what its clamped self does.
  void sort_thresholds(int64_t anchor) const {
    const int64_t count = own(anchor).size();
    float* const sorted = thresholds(anchor);
    std::copy_n(ranking_.similarities + offsets()[anchor], count, sorted);
    std::sort(sorted, sorted + count);
    for (int64_t i = 0; i < count && sorted[i] == -limit_; ++i) sorted[i] = -INFINITY;
    std::fill_n(reached(anchor), count, 0);
  }

  void count(const TileView& view) const {
    for (int r = 0; r < view.rows; ++r) {
      const int64_t anchor = view.first_row + r;
      hide(view, r, own(anchor).begin, own(anchor).end);
      kernels_.count_reached(view.row(r), view.columns, thresholds(anchor), own(anchor).size(), reached(anchor));
    }
  }

  void add_up(int64_t anchor) const {
    const int64_t count = own(anchor).size();
    int32_t* const counts = reached(anchor);
    for (int64_t i = count - 1; i > 0; --i) counts[i - 1] += counts[i];
    const float* const sorted = thresholds(anchor);
    for (int64_t i = 0; i < count; ++i) {
      const float similarity = ranking_.similarities[offsets()[anchor] + i];
      const float threshold = similarity == -limit_ ? -INFINITY : similarity;
      const int64_t place = std::lower_bound(sorted, sorted + count, threshold) - sorted;
      ranking_.reached_by[offsets()[anchor] + i] = counts[place];
    }
  }

  float clamp(float s) const { return s > limit_ ? limit_ : s < -limit_ ? -limit_ : s; }

  const Kernels& kernels_;
  const float limit_;
  const Ranking& ranking_;
  TileStream& stream_;
  TileViews views_;
  Workspace& workspace_;
};

}  // namespace circle::cpu
