// The most similar candidates of each anchor: every anchor has a heap of k in the results, which tiles fill in any order.
// The order of candidates is total, so that the k best are the same whoever comes first.
#pragma once

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <thread>

#include "native/core/ranking.h"
#include "native/core/try_lock.h"
#include "native/cpu/tile_views.h"

namespace circle::cpu {

class NearestPass {
 public:
  NearestPass(const Kernels& kernels, const Rows& rows, const Nearest& nearest, TileStream& stream,
              Workspace& workspace)
      : kernels_(kernels),
        limit_(rows.normalize == Normalize::kL2 ? 1.0f : INFINITY),
        nearest_(nearest),
        stream_(stream),
        views_(kernels, stream, workspace),
        workspace_(workspace) {}

  bool reserve() {
    return views_.reserve() &&
           workspace_.search_locks.reserve(stream_.plan.anchors.count() * static_cast<int64_t>(sizeof(TryLock)));
  }

  Outcome run() {
    const Blocks& anchors = stream_.plan.anchors;
    TryLock* const locks = workspace_.search_locks.as<TryLock>();
    for (int64_t block = 0; block < anchors.count(); ++block) new (locks + block) TryLock;
    std::fill_n(nearest_.similarities, anchors.rows * nearest_.k, -INFINITY);
    std::fill_n(nearest_.candidates, anchors.rows * nearest_.k, kNobody);
    views_.for_each([](TileIndex) { return true; }, [&](const TileView& view) { keep(view, locks[view.block]); });
    stream_.team.for_each(anchors.count(), [&](int64_t block, int) {
      for (int64_t row = anchors.first(block), end = row + anchors.size(block); row < end; ++row)
        kernels_.sort_nearest(nearest_.k, similarities(row), candidates(row));
    });
    const Outcome outcome = stream_.end();
    if (!outcome.ok()) return outcome;
    // Of finite rows only sums beyond float32 are infinite, or NaN, which leaves a place to nobody.
    for (int64_t i = 0; i < anchors.rows * nearest_.k; ++i)
      if (!std::isfinite(nearest_.similarities[i])) return {Status::kOverflow};
    return {};
  }

 private:
  static constexpr int32_t kNobody = INT32_MAX;

  float* similarities(int64_t anchor) const { return nearest_.similarities + anchor * nearest_.k; }
  int32_t* candidates(int64_t anchor) const { return nearest_.candidates + anchor * nearest_.k; }

  void keep(const TileView& view, TryLock& lock) const {
    for (int r = 0; r < view.rows; ++r) {
      const int64_t anchor = view.first_row + r;
      hide(view, r, anchor, stream_.plan.symmetric ? anchor + 1 : anchor);
    }
    // Held for a small part of what a tile takes to compute: who waits waits shortly.
    while (!lock.try_lock()) std::this_thread::yield();
    const std::unique_lock<TryLock> held(lock, std::adopt_lock);
    for (int r = 0; r < view.rows; ++r) {
      const int64_t anchor = view.first_row + r;
      kernels_.keep_nearest(view.row(r), view.columns, view.first_column, limit_, nearest_.k, similarities(anchor),
                            candidates(anchor));
    }
  }

  const Kernels& kernels_;
  const float limit_;
  const Nearest& nearest_;
  TileStream& stream_;
  TileViews views_;
  Workspace& workspace_;
};

}  // namespace circle::cpu
