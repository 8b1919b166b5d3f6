// How one call is cut up: a pure function of its shape and its workspace limit, never of the number of threads.
//
//                candidates
//              J = 0   1   2   3          rows of tiles: blocks of anchors I
//   anchors  I ┌────┬────┬────┬────┐      columns of tiles: blocks of candidates J
//            0 │ 00 │ 01 │ 02 │ 03 │      pair-wise labels: only the tiles I ≤ J, each used for its rows and its columns
//            1 │    │ 11 │ 12 │ 13 │
//            2 │    │    │ 22 │ 23 │      panel: neighbouring columns of tiles that are in memory together
//              └────┴────┴────┴────┘
//                └─panel─┘
#pragma once

#include "native/core/problem.h"
#include "native/cpu/layout.h"

namespace circle::cpu {

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
  bool operator==(const Range& other) const { return begin == other.begin && end == other.end; }
};

struct TileIndex {
  int64_t row_block, column_block;
};

// Blocks of `edge` rows, the last one shorter.
struct Blocks {
  int64_t rows;
  int64_t edge;

  int64_t count() const { return (rows + edge - 1) / edge; }
  int64_t first(int64_t block) const { return block * edge; }
  int size(int64_t block) const {
    const int64_t left = rows - first(block);
    return static_cast<int>(left < edge ? left : edge);
  }
  // Rows of a packed buffer: micro-kernels run to the next multiple of kGrain.
  int64_t padded_rows() const { return round_up(rows, kGrain); }
};

enum class TileStorage { kKept, kRecomputed };

// Dimensions of a slice, whole panels: enough work to be worth the meeting of threads at its end.
constexpr int64_t kSlice = 1024;

struct Plan {
  Blocks anchors, candidates;
  int64_t dim;
  bool symmetric;  // candidates are the batch
  TileStorage storage;
  int64_t workspace_limit;

  Plan(const Rows& rows, TileStorage wanted);

  int64_t dim_panels() const { return (dim + kPanel - 1) / kPanel; }
  int64_t tile_floats() const { return anchors.edge * kTileStride; }
  int64_t group_floats() const { return candidates.edge * dim; }  // of one block of candidates

  // Tiles of a panel are numbered column by column.
  int64_t tiles_in(Range panel) const;
  TileIndex tile(Range panel, int64_t number) const;
  int64_t number(Range panel, TileIndex tile) const;

  // The panel that begins at a column, in the forward pass and in the gradient.
  Range statistics_panel(int64_t begin) const;
  Range gradient_panel(int64_t begin) const;

  // A batch of one tile has no tiles to share out. Where it has many dimensions, threads share those: slices of them, whose
  // sums are added up in ascending order. 1 where there are tiles enough, or few dimensions.
  int64_t slices() const;
  // The last slice has what is left.
  Range slice(int64_t number) const { return {number * kSlice, number + 1 == slices() ? dim : (number + 1) * kSlice}; }

  bool diagonal(TileIndex tile) const { return symmetric && tile.row_block == tile.column_block; }
  Range all_columns() const { return {0, candidates.count()}; }
};

// How many of a call's threads are worth their while.
int useful_threads(const Rows& rows, const Plan& plan);

}  // namespace circle::cpu
