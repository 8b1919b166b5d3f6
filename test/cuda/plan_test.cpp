#include "cuda/plan.h"

#include <doctest/doctest.h>

#include <vector>

namespace circle::cuda {
namespace {

Rows shape(CandidateKind kind, int64_t anchors, int64_t candidates, int64_t dim, int64_t limit) {
  Rows rows{};
  rows.anchor_count = anchors;
  rows.candidate_count = kind == CandidateKind::kBatch ? anchors : candidates;
  rows.dim = dim;
  rows.candidate_kind = kind;
  rows.workspace_limit = limit;
  return rows;
}

template <class Check>
void for_each_plan(const Check& check) {
  for (const Core core : {Core::kFfma, Core::kFast, Core::kExact})
    for (const CandidateKind kind : {CandidateKind::kBatch, CandidateKind::kSet})
      for (const int64_t anchors : {1, 127, 128, 129, 1000, 8192})
        for (const int64_t candidates : {1, 300, 5000, 100000})
          for (const int64_t dim : {1, 37, 512})
            for (const int64_t limit : {int64_t{0}, int64_t{1} << 20, int64_t{64} << 20, int64_t{1} << 40}) {
              const Rows rows = shape(kind, anchors, candidates, dim, limit);
              check(rows, Plan(rows, core));
            }
}

// Calls visit(panel) of each panel that next(begin) gives, and checks that they cover all rows in whole tiles.
template <class Next, class Visit>
bool visit_panels(int64_t rows, const Next& next, const Visit& visit) {
  bool covers = true;
  int64_t end = 0;
  while (end < rows) {
    const Range panel = next(end);
    covers &= panel.begin == end && panel.size() > 0 && panel.end <= rows && panel.begin % kTile == 0;
    if (!covers) return false;
    visit(panel);
    end = panel.end;
  }
  return covers;
}

TEST_CASE("panels cover all rows, and fit the limit unless they are one row of tiles") {
  for_each_plan([](const Rows& rows, const Plan& plan) {
    const auto fits = [&](Range panel, int64_t bytes) {
      return bytes <= rows.workspace_limit || panel.size() <= kTile;
    };
    bool right = true;
    right &= visit_panels(
        rows.candidate_count, [&](int64_t begin) { return plan.statistics_panel(begin); },
        [&](Range panel) {
          const int64_t bytes = plan.statistics_layout(panel.size()).end;
          right &= fits(panel, bytes) && bytes <= plan.statistics_bytes();
        });
    right &= visit_panels(
        rows.candidate_count, [&](int64_t begin) { return plan.gradient_panel(begin); },
        [&](Range panel) {
          const GradientLayout layout = plan.gradient_layout(panel);
          const int64_t further = (layout.splits - 1) * panel.size() * plan.sum_stride * int64_t{sizeof(float)};
          right &= fits(panel, layout.end - further) && layout.end <= plan.gradient_bytes();
        });
    right &= visit_panels(
        rows.candidate_count, [&](int64_t begin) { return plan.similarity_panel(begin); },
        [&](Range panel) {
          const int64_t bytes = plan.similarity_layout(panel.size()).end;
          right &= fits(panel, bytes) && bytes <= plan.similarity_bytes();
        });
    right &= visit_panels(
        rows.candidate_count, [&](int64_t begin) { return plan.search_panel(begin); },
        [&](Range panel) {
          const int64_t bytes = plan.search_layout(panel.size()).end;
          right &= fits(panel, bytes) && bytes <= plan.search_bytes();
        });
    CHECK(right);
  });
}

TEST_CASE("pieces of a panel lie one after the other, operands and sums at multiples of 16 bytes") {
  for_each_plan([](const Rows&, const Plan& plan) {
    const Range panel = plan.gradient_panel(0);
    const StatisticsLayout forward = plan.statistics_layout(plan.statistics_panel(0).size());
    const GradientLayout gradient = plan.gradient_layout(panel);
    const SimilarityLayout matrix = plan.similarity_layout(plan.similarity_panel(0).size());
    const SearchLayout search = plan.search_layout(plan.search_panel(0).size());
    const std::vector<int64_t> orders[] = {
        {forward.packed, forward.column_partials, forward.row_partials, forward.end},
        {gradient.gradient[0], gradient.gradient[1], gradient.weights, gradient.packed, gradient.sums, gradient.end},
        {matrix.out[0], matrix.out[1], matrix.packed, matrix.end},
        {search.similarities, search.packed, search.end}};
    bool right = true;
    for (const std::vector<int64_t>& order : orders)
      for (size_t i = 0; i < order.size(); ++i) {
        right &= order[i] % 4 == 0;
        if (i > 0) right &= order[i] >= order[i - 1];
      }
    right &= gradient.weights % 16 == 0 && gradient.packed % 16 == 0 && gradient.sums % 16 == 0 &&
             forward.packed == 0 && matrix.packed % 16 == 0 && search.packed % 16 == 0;
    right &= search.packed - search.similarities >= plan.search_panel(0).size() * plan.anchors * int64_t{sizeof(float)};
    CHECK(right);
  });
}

struct Piece {
  int64_t begin, end;
};

bool apart(Piece a, Piece b) {
  return a.end <= b.begin || b.end <= a.begin;
}

TEST_CASE("what a panel writes is apart from the result of the panel before, which may still be on its way") {
  for_each_plan([](const Rows& rows, const Plan& plan) {
    constexpr int64_t kFloat = sizeof(float);
    bool right = true;
    int slot = 0;
    Piece before{0, 0};
    visit_panels(
        rows.candidate_count, [&](int64_t begin) { return plan.similarity_panel(begin); },
        [&](Range panel) {
          const SimilarityLayout at = plan.similarity_layout(panel.size());
          const Piece result{at.out[slot], at.out[slot] + panel.size() * plan.anchors * kFloat};
          right &= apart(before, result) && apart(before, {at.packed, at.end}) && apart(result, {at.packed, at.end});
          before = result;
          slot ^= 1;
        });
    before = {0, 0};
    if (!plan.symmetric)
      visit_panels(
          rows.candidate_count, [&](int64_t begin) { return plan.gradient_panel(begin); },
          [&](Range panel) {
            const GradientLayout at = plan.gradient_layout(panel);
            const Piece result{at.gradient[slot], at.gradient[slot] + panel.size() * plan.dim * kFloat};
            right &=
                apart(before, result) && apart(before, {at.weights, at.end}) && apart(result, {at.weights, at.end});
            before = result;
            slot ^= 1;
          });
    CHECK(right);
  });
}

TEST_CASE("a panel may have more numbers than 32 bits count") {
  const Plan plan(shape(CandidateKind::kBatch, 100000, 0, 8, int64_t{1} << 40), Core::kExact);
  const int64_t bytes = plan.similarity_panel(0).size() * plan.anchors * int64_t{sizeof(float)};
  REQUIRE(bytes > int64_t{UINT32_MAX} * 4);
  CHECK(plan.similarity_layout(plan.similarity_panel(0).size()).out[1] == bytes);
  CHECK(plan.search_panel(0).size() == plan.candidates);
  CHECK(plan.search_layout(plan.candidates).packed == bytes);
}

TEST_CASE("sums of splits are at most 16 MiB, or there is one split") {
  for (const int64_t results : {1, 128, 129, 1000, 4096, 32768, 1000000})
    for (const int64_t dim : {1, 128, 129, 512, 4096})
      for (const int64_t steps : {1, 255, 257, 5000, 1000000}) {
        const int32_t splits = splits_for(results, dim, steps);
        CHECK(splits >= 1);
        const bool small = splits * results * dim * int64_t{sizeof(float)} <= int64_t{16} << 20;
        CHECK((splits == 1 || small));
        CHECK((splits == 1 || (splits - 1) * 256 < steps));
      }
  CHECK(splits_for(1024, 512, 1024) == 4);
  CHECK(splits_for(8192, 512, 8192) == 1);
  CHECK(splits_for(128, 128, 1 << 20) == 16);
}

TEST_CASE("the usual call: three panels of weights at the default limit") {
  const Plan plan(shape(CandidateKind::kBatch, 8192, 0, 512, int64_t{64} << 20), Core::kExact);
  CHECK(plan.statistics_panel(0).size() == 8192);
  // A row of tiles takes 4 MiB of weights, and 256 KiB of sums.
  CHECK(plan.gradient_panel(0).end == 15 * kTile);
  CHECK(plan.gradient_panel(15 * kTile).end == 34 * kTile);
  CHECK(plan.gradient_panel(34 * kTile).end == 8192);
}

}  // namespace
}  // namespace circle::cuda
