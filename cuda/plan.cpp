#include "cuda/plan.h"

#include <algorithm>

namespace circle::cuda {
namespace {

// Tiles of results that any device can share out well, and that the sums of splits may take: 256 × 64 KB.
constexpr int64_t kEnoughTiles = 256;
constexpr int64_t kMostSplits = 16;
// Fewer steps than this do not pay for the start of a block and for sums of their own.
constexpr int64_t kLeastSteps = 256;

// Blocks that a grid can have along y.
constexpr int64_t kMostBlocks = 65535;

constexpr int64_t kFloat = sizeof(float), kPartials = sizeof(TilePartials);

// Bytes that a result of so many floats takes, so that what follows is aligned.
constexpr int64_t result_place(int64_t floats) {
  return (floats * kFloat + 15) / 16 * 16;
}

}  // namespace

int32_t splits_for(int64_t results, int64_t dim, int64_t steps) {
  const int64_t tiles = blocks_in(results) * blocks_in(dim);
  const int64_t splits = std::min({kEnoughTiles / tiles, (steps + kLeastSteps - 1) / kLeastSteps, kMostSplits});
  return static_cast<int32_t>(std::max<int64_t>(splits, 1));
}

Plan::Plan(const Rows& rows, Core chosen)
    : anchors(rows.anchor_count),
      candidates(rows.candidate_count),
      dim(rows.dim),
      core(chosen),
      symmetric(rows.candidate_kind == CandidateKind::kBatch),
      workspace_limit(rows.workspace_limit),
      row_stride(stride_for(core, dim)),
      sum_stride(stride_for(Core::kFfma, dim)),
      anchor_splits(splits_for(anchors, dim, gradient_panel(0).size())) {}

Range Plan::panel(int64_t begin, int64_t bytes) const {
  const int64_t blocks = std::clamp<int64_t>(workspace_limit / bytes, 1, kMostBlocks);
  return {begin, std::min(begin + blocks * kTile, candidates)};
}

Range Plan::statistics_panel(int64_t begin) const {
  const int64_t by_columns = anchors * kPartials;
  return panel(begin, by_columns + (symmetric ? blocks_in(anchors) * kTile * kPartials : packed_bytes(kTile)));
}

Range Plan::gradient_panel(int64_t begin) const {
  const int64_t columns = weight_columns({begin, begin});
  const int64_t weights = int64_t{kTile} * stride_for(core, columns) * element_bytes(core);
  // With one split. Further ones exist only where there is little to split, so that they need not be counted.
  const int64_t sums = kTile * sum_stride * kFloat;
  return panel(begin, weights + sums + (symmetric ? 0 : packed_bytes(kTile) + kTile * 2 * dim * kFloat));
}

Range Plan::similarity_panel(int64_t begin) const {
  return panel(begin, (symmetric ? 0 : packed_bytes(kTile)) + 2 * kTile * anchors * kFloat);
}

Range Plan::search_panel(int64_t begin) const {
  return panel(begin, (symmetric ? 0 : packed_bytes(kTile)) + kTile * anchors * kFloat);
}

StatisticsLayout Plan::statistics_layout(int64_t rows) const {
  StatisticsLayout at{};
  at.column_partials = at.packed + (symmetric ? 0 : packed_bytes(rows));
  at.row_partials = at.column_partials + blocks_in(rows) * anchors * kPartials;
  at.end = at.row_partials + (symmetric ? blocks_in(anchors) * rows * kPartials : 0);
  return at;
}

GradientLayout Plan::gradient_layout(Range panel) const {
  const int64_t rows = panel.size(), columns = weight_columns(panel);
  const int64_t of_candidates = symmetric ? 0 : rows;
  GradientLayout at{};
  at.splits = splits_for(rows, dim, columns);
  at.gradient[1] = symmetric ? 0 : result_place(gradient_panel(0).size() * dim);
  at.weights = 2 * at.gradient[1];
  at.packed = at.weights + rows * stride_for(core, columns) * element_bytes(core);
  at.sums = at.packed + packed_bytes(of_candidates);
  at.end = at.sums + at.splits * rows * sum_stride * kFloat;
  return at;
}

SimilarityLayout Plan::similarity_layout(int64_t rows) const {
  SimilarityLayout at{};
  at.out[1] = result_place(similarity_panel(0).size() * anchors);
  at.packed = 2 * at.out[1];
  at.end = at.packed + (symmetric ? 0 : packed_bytes(rows));
  return at;
}

SearchLayout Plan::search_layout(int64_t rows) const {
  SearchLayout at{};
  at.packed = result_place(rows * anchors);
  at.end = at.packed + (symmetric ? 0 : packed_bytes(rows));
  return at;
}

int64_t Plan::statistics_bytes() const {
  return statistics_layout(statistics_panel(0).size()).end;
}

int64_t Plan::gradient_bytes() const {
  int64_t most = 0;
  // Later panels are narrower for pair-wise labels, and may be higher; the last one may have more splits.
  for (Range panel{0, 0}; panel.end < candidates;) {
    panel = gradient_panel(panel.end);
    most = std::max(most, gradient_layout(panel).end);
  }
  return most;
}

int64_t Plan::similarity_bytes() const {
  return similarity_layout(similarity_panel(0).size()).end;
}

int64_t Plan::search_bytes() const {
  return search_layout(search_panel(0).size()).end;
}

}  // namespace circle::cuda
