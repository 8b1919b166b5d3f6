#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "native/cpu/plan.h"

namespace circle::cpu {
namespace {

Rows rows_of(int64_t anchors, int64_t candidates, int64_t dim, CandidateKind kind, int64_t workspace_limit) {
  Rows rows{};
  rows.anchor_count = anchors;
  rows.candidate_count = candidates;
  rows.dim = dim;
  rows.candidate_kind = kind;
  rows.workspace_limit = workspace_limit;
  return rows;
}

int64_t tile_bytes(const Plan& plan) {
  return plan.tile_floats() * static_cast<int64_t>(sizeof(float));
}

// At, below and above edges of tiles, of panels of them, and of what counts as a small batch.
const std::vector<int64_t> kCounts = {1, 2, 47, 95, 96, 97, 192, 193, 768, 769, 3073, 5000};
const std::vector<int64_t> kLimits = {0, 1 << 20, 64 << 20, int64_t{1} << 40};

std::vector<Plan> plans() {
  std::vector<Plan> list;
  for (const int64_t limit : kLimits)
    for (const TileStorage wanted : {TileStorage::kKept, TileStorage::kRecomputed})
      for (const int64_t anchors : kCounts) {
        list.emplace_back(rows_of(anchors, anchors, 40, CandidateKind::kBatch, limit), wanted);
        for (const int64_t candidates : {int64_t{1}, int64_t{97}, int64_t{5000}}) {
          list.emplace_back(rows_of(anchors, candidates, 40, CandidateKind::kSet, limit), wanted);
          list.emplace_back(rows_of(anchors, candidates, 40, CandidateKind::kClasses, limit), wanted);
        }
      }
  return list;
}

// Walks the panels; each tile must come once, and its number must lead back to it.
template <class NextPanel>
void check_cover(const Plan& plan, NextPanel next_panel) {
  std::set<std::pair<int64_t, int64_t>> seen;
  bool consistent = true;
  Range panel{0, 0};
  while (panel.end < plan.candidates.count()) {
    const int64_t begin = panel.end;
    panel = next_panel(begin);
    consistent &= panel.begin == begin && panel.end > begin;
    if (!consistent) break;
    for (int64_t number = 0; number < plan.tiles_in(panel); ++number) {
      const TileIndex tile = plan.tile(panel, number);
      consistent &= plan.number(panel, tile) == number;
      consistent &= tile.column_block >= panel.begin && tile.column_block < panel.end;
      consistent &= tile.row_block >= 0 && tile.row_block < plan.anchors.count();
      consistent &= !plan.symmetric || tile.row_block <= tile.column_block;
      consistent &= seen.insert({tile.row_block, tile.column_block}).second;
    }
  }
  CHECK(consistent);
  CHECK(panel.end == plan.candidates.count());
  const int64_t blocks = plan.anchors.count();
  CHECK(static_cast<int64_t>(seen.size()) ==
        (plan.symmetric ? blocks * (blocks + 1) / 2 : blocks * plan.candidates.count()));
}

TEST_CASE("the panels of a plan have every tile once") {
  for (const Plan& plan : plans()) {
    check_cover(plan, [&](int64_t begin) { return plan.statistics_panel(begin); });
    check_cover(plan, [&](int64_t begin) { return plan.gradient_panel(begin); });
    check_cover(plan, [&](int64_t) { return plan.all_columns(); });
  }
}

TEST_CASE("blocks have every row once") {
  for (const Plan& plan : plans()) {
    for (const Blocks& blocks : {plan.anchors, plan.candidates}) {
      int64_t rows = 0;
      for (int64_t block = 0; block < blocks.count(); ++block) {
        CHECK(blocks.first(block) == rows);
        CHECK(blocks.size(block) > 0);
        CHECK(blocks.size(block) <= kTileEdge);
        rows += blocks.size(block);
      }
      CHECK(rows == blocks.rows);
      CHECK(blocks.padded_rows() >= blocks.rows);
      // What begins at a block ends at whole micro-kernels, too.
      CHECK(blocks.edge % kGrain == 0);
    }
  }
}

TEST_CASE("tiles are kept exactly when they fit the workspace limit") {
  for (const int64_t anchors : kCounts) {
    for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet}) {
      const auto storage = [&](int64_t limit, TileStorage wanted) {
        return Plan(rows_of(anchors, anchors, 8, kind, limit), wanted).storage;
      };
      const Plan plan(rows_of(anchors, anchors, 8, kind, 0), TileStorage::kKept);
      const int64_t needed = plan.tiles_in(plan.all_columns()) * tile_bytes(plan);
      CHECK(storage(needed, TileStorage::kKept) == TileStorage::kKept);
      CHECK(storage(needed - 1, TileStorage::kKept) == TileStorage::kRecomputed);
      CHECK(storage(needed, TileStorage::kRecomputed) == TileStorage::kRecomputed);
    }
  }
}

TEST_CASE("a panel of recomputed tiles fits the workspace limit, or is one column") {
  for (const Plan& plan : plans()) {
    if (plan.storage != TileStorage::kRecomputed) continue;
    for (Range panel{0, 0}; panel.end < plan.candidates.count();) {
      panel = plan.gradient_panel(panel.end);
      if (panel.size() > 1) CHECK(plan.tiles_in(panel) * tile_bytes(plan) <= plan.workspace_limit);
    }
  }
}

TEST_CASE(
    "packed candidates and partial statistics of recomputed tiles take a quarter of the workspace limit, or one "
    "column") {
  const auto column_bytes = [](const Plan& plan) {
    const int64_t partials = plan.anchors.rows + (plan.symmetric ? plan.anchors.count() * plan.candidates.edge : 0);
    return plan.group_floats() * static_cast<int64_t>(sizeof(float)) +
           partials * static_cast<int64_t>(sizeof(AnchorPartial));
  };
  bool some_narrow = false, some_wide = false;
  for (const Plan& plan : plans()) {
    const int64_t width = plan.statistics_panel(0).size(), columns = plan.candidates.count();
    if (plan.storage == TileStorage::kKept) {
      CHECK(width == std::min<int64_t>(columns, 16));
      continue;
    }
    if (width > 1) CHECK(width * column_bytes(plan) <= plan.workspace_limit / 4);
    some_narrow |= width < std::min<int64_t>(columns, 16);
    some_wide |= width == 16;
  }
  CHECK(some_narrow);
  CHECK(some_wide);
}

TEST_CASE("a plan does not know the number of threads") {
  Rows rows = rows_of(5000, 5000, 40, CandidateKind::kBatch, 64 << 20);
  rows.threads = 1;
  const Plan one(rows, TileStorage::kKept);
  rows.threads = 64;
  const Plan many(rows, TileStorage::kKept);
  CHECK(one.anchors.edge == many.anchors.edge);
  CHECK(one.gradient_panel(0).end == many.gradient_panel(0).end);
  CHECK(one.statistics_panel(0).end == many.statistics_panel(0).end);
}

}  // namespace
}  // namespace circle::cpu
