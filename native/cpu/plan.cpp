#include "native/cpu/plan.h"

#include <algorithm>

namespace circle::cpu {
namespace {

// Narrow tiles for small batches give every thread some.
constexpr int64_t kSmallEdge = 96;
constexpr int64_t kSmallBatch = 768;

// Enough columns to keep many threads busy, few enough that partial statistics and packed candidates stay a small
// multiple of the inputs.
constexpr int64_t kWidestPanel = 16;

// Below this many multiply-adds a product a second thread costs more than it saves.
constexpr double kWorthThreads = 1 << 20;

int64_t edge_for(int64_t rows) {
  return rows <= kSmallBatch ? kSmallEdge : kTileEdge;
}

}  // namespace

Plan::Plan(const Rows& rows, TileStorage wanted)
    // The larger side alone gives every thread some.
    : anchors{rows.anchor_count, edge_for(std::max(rows.anchor_count, rows.candidate_count))},
      candidates{rows.candidate_count, anchors.edge},
      dim(rows.dim),
      symmetric(rows.candidate_kind == CandidateKind::kBatch),
      storage(wanted),
      workspace_limit(rows.workspace_limit) {
  const int64_t tile_bytes = tile_floats() * static_cast<int64_t>(sizeof(float));
  if (tiles_in(all_columns()) > workspace_limit / tile_bytes) storage = TileStorage::kRecomputed;
}

int64_t Plan::slices() const {
  return symmetric && anchors.count() == 1 ? std::max(dim / kSlice, int64_t{1}) : 1;
}

int64_t Plan::tiles_in(Range panel) const {
  if (!symmetric) return panel.size() * anchors.count();
  return (panel.end * (panel.end + 1) - panel.begin * (panel.begin + 1)) / 2;
}

TileIndex Plan::tile(Range panel, int64_t number) const {
  if (!symmetric) return {number % anchors.count(), panel.begin + number / anchors.count()};
  int64_t column = panel.begin;
  for (; number > column; ++column) number -= column + 1;
  return {number, column};
}

int64_t Plan::number(Range panel, TileIndex tile) const {
  return tiles_in({panel.begin, tile.column_block}) + tile.row_block;
}

Range Plan::statistics_panel(int64_t begin) const {
  int64_t width = kWidestPanel;
  if (storage == TileStorage::kRecomputed) {
    // Who is short of memory gets narrow panels.
    const int64_t partials = anchors.rows + (symmetric ? anchors.count() * candidates.edge : 0);
    const int64_t column_bytes =
        group_floats() * static_cast<int64_t>(sizeof(float)) + partials * static_cast<int64_t>(sizeof(AnchorPartial));
    width = std::clamp(workspace_limit / 4 / column_bytes, int64_t{1}, kWidestPanel);
  }
  return {begin, std::min(begin + width, candidates.count())};
}

Range Plan::gradient_panel(int64_t begin) const {
  if (symmetric && storage == TileStorage::kKept) return all_columns();
  if (storage == TileStorage::kKept) return statistics_panel(begin);
  const int64_t tile_bytes = tile_floats() * static_cast<int64_t>(sizeof(float));
  // Packed candidates share the limit with the tiles: transposed groups, and panels unless they are the batch's.
  const int64_t column_bytes = (symmetric ? 1 : 2) * candidates.edge * dim_panels() * kPanel * 4;
  Range panel{begin, begin + 1};
  while (panel.end < candidates.count()) {
    const Range wider{begin, panel.end + 1};
    if (tiles_in(wider) * tile_bytes + wider.size() * column_bytes > workspace_limit) break;
    panel = wider;
  }
  return panel;
}

int useful_threads(const Rows& rows, const Plan& plan) {
  // One tile is measured and weighed by one thread: the others would spend their time fetching what it has in its cache,
  // unless it has dimensions enough to share.
  if (plan.anchors.count() == 1 && plan.candidates.count() == 1 && plan.slices() == 1) return 1;
  const double work = static_cast<double>(rows.anchor_count) * static_cast<double>(rows.candidate_count) *
                      static_cast<double>(rows.dim);
  return work < kWorthThreads ? 1 : rows.threads;
}

}  // namespace circle::cpu
