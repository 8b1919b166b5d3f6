#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "native/cpu/dispatch.h"
#include "test/native/guarded.h"
#include "test/native/samples.h"

namespace circle::cpu {
namespace {

// Below, at and above the heights (6, 8, 12) and widths (8, 16, 32) of micro-kernels, and up to a tile.
const std::vector<int> kEdges = {1, 2, 5, 6, 7, 8, 9, 12, 13, 16, 17, 31, 32, 33, 48, 95, 96, 97, 150, 192};
const std::vector<int64_t> kDims = {1, 3, 31, 32, 33, 64, 100, 256, 257, 600};

struct Packed {
  int64_t count, dim, stride;
  std::vector<float> rows, panels, groups;

  Packed(const Kernels& kernels, int64_t row_count, int64_t row_dim, Random& random)
      : count(row_count),
        dim(row_dim),
        stride(round_up(count, kGrain) * kPanel),
        rows(random.numbers(count * dim)),
        panels(static_cast<size_t>(round_up(dim, kPanel) / kPanel * stride)),
        groups(static_cast<size_t>(round_up(count, kPanel) * dim)) {
    const std::vector<RowScale> scales(static_cast<size_t>(count), RowScale{1, 0, 0});
    kernels.pack_panels({rows.data(), dim, count, dim}, scales.data(), {panels.data(), stride});
    kernels.pack_groups({rows.data(), dim, count, dim}, scales.data(), groups.data());
  }
};

// A sum of products of n terms in any order, one rounding a term with or without fused multiply-adds twice at most.
double bound(int64_t terms, double size) {
  return static_cast<double>(terms + 1) * kRounding * size;
}

struct Sum {
  double value = 0, size = 0;
  void add(double a, double b) {
    value += a * b;
    size += std::fabs(a * b);
  }
};

bool is_product(const float* tile, const Packed& a, const Packed& b) {
  for (int64_t r = 0; r < a.count; ++r)
    for (int64_t c = 0; c < b.count; ++c) {
      Sum sum;
      for (int64_t d = 0; d < a.dim; ++d) sum.add(a.rows[r * a.dim + d], b.rows[c * b.dim + d]);
      if (!(std::fabs(tile[r * kTileStride + c] - sum.value) <= bound(a.dim, sum.size))) return false;
    }
  return true;
}

GuardedFloats new_tile(int rows) {
  return GuardedFloats(round_up(rows, kGrain) * kTileStride);
}

TEST_CASE("a tile of similarities is the product of its rows, whatever its edges") {
  for (const Kernels* kernels : available_kernels()) {
    Random random(3);
    for (const int rows : kEdges) {
      const int columns = kEdges[static_cast<size_t>(random.below(static_cast<int>(kEdges.size())))];
      const int64_t dim = kDims[static_cast<size_t>(random.below(static_cast<int>(kDims.size())))];
      INFO(std::string(kernels->name), " ", rows, " x ", columns, " over ", dim);
      Packed a(*kernels, rows, dim, random), b(*kernels, columns, dim, random);
      GuardedFloats tile = new_tile(rows);
      kernels->similarity_tile({a.panels.data(), a.stride}, b.groups.data(), dim, rows, columns, TileKind::kFull,
                               tile.data());
      CHECK(is_product(tile.data(), a, b));
      CHECK(tile.guards_intact());
    }
  }
}

TEST_CASE("a diagonal tile is the product of its rows with themselves, and symmetric bit for bit") {
  for (const Kernels* kernels : available_kernels()) {
    Random random(4);
    for (const int rows : kEdges) {
      const int64_t dim = kDims[static_cast<size_t>(random.below(static_cast<int>(kDims.size())))];
      INFO(std::string(kernels->name), " ", rows, " over ", dim);
      Packed a(*kernels, rows, dim, random);
      GuardedFloats tile = new_tile(rows);
      kernels->similarity_tile({a.panels.data(), a.stride}, a.groups.data(), dim, rows, rows, TileKind::kDiagonal,
                               tile.data());
      CHECK(is_product(tile.data(), a, a));
      bool symmetric = true;
      for (int r = 0; r < rows; ++r)
        for (int c = 0; c < r; ++c) symmetric &= tile[r * kTileStride + c] == tile[c * kTileStride + r];
      CHECK(symmetric);
      CHECK(tile.guards_intact());
    }
  }
}

// gradient = before + tile × rows (or tileᵀ × rows) of one block.
bool is_accumulated(const GuardedFloats& gradient, const std::vector<float>& before, const GuardedFloats& tile,
                    Orientation orientation, int count, const Packed& others, Start start) {
  const int64_t stride = round_up(count, kGrain) * kPanel;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t d = 0; d < others.dim; ++d) {
      const int64_t at = d / kPanel * stride + r * kPanel + d % kPanel;
      Sum sum;
      if (start == Start::kContinue) sum.add(before[static_cast<size_t>(at)], 1);
      for (int64_t k = 0; k < others.count; ++k)
        sum.add(orientation == Orientation::kRows ? tile[r * kTileStride + k] : tile[k * kTileStride + r],
                others.rows[k * others.dim + d]);
      if (!(std::fabs(gradient[at] - sum.value) <= bound(others.count + 1, sum.size))) return false;
    }
  return true;
}

TEST_CASE("gradients accumulate a tile times rows, and its transpose times rows, whatever the edges") {
  for (const Kernels* kernels : available_kernels()) {
    Random random(5);
    for (const int count : kEdges) {
      for (const Orientation orientation : {Orientation::kRows, Orientation::kColumns}) {
        for (const Start start : {Start::kFresh, Start::kContinue}) {
          const int steps = kEdges[static_cast<size_t>(random.below(static_cast<int>(kEdges.size())))];
          const int64_t dim = kDims[static_cast<size_t>(random.below(static_cast<int>(kDims.size())))];
          INFO(std::string(kernels->name), " ", count, " of ", steps, " over ", dim);
          Packed others(*kernels, steps, dim, random);
          GuardedFloats tile = new_tile(kTileEdge);
          // Pair weights where there are pairs; micro-kernels may read the rest, which counts for nothing.
          const bool by_rows = orientation == Orientation::kRows;
          for (int r = 0; r < (by_rows ? count : steps); ++r)
            for (int c = 0; c < (by_rows ? steps : count); ++c) tile.data()[r * kTileStride + c] = random.number();
          const int64_t stride = round_up(count, kGrain) * kPanel, panel_count = round_up(dim, kPanel) / kPanel;
          GuardedFloats gradient(panel_count * stride);
          const std::vector<float> before = random.numbers(gradient.size());
          if (start == Start::kContinue) std::copy(before.begin(), before.end(), gradient.data());
          kernels->accumulate(tile.data(), orientation, count, steps, {others.panels.data(), others.stride},
                              static_cast<int>(panel_count), {gradient.data(), stride}, start);
          CHECK(is_accumulated(gradient, before, tile, orientation, count, others, start));
          CHECK(gradient.guards_intact());
        }
      }
    }
  }
}

}  // namespace
}  // namespace circle::cpu
