// How rows and similarities lie in memory: the same for every instruction set.
//
//   row panels          [dim / 32][row][32]      32 columns of every row together
//   transposed groups   [row / 32][dim][32]      32 rows side by side, one coordinate after the other
//   tile                [row][208]               at most 192 × 192 similarities, later pair weights
//
// With these three, one micro-kernel serves every product (micro_kernel.h).
#pragma once

#include <cstdint>

namespace circle::cpu {

constexpr int kPanel = 32;
constexpr int kTileEdge = 192;
// 16 more than the edge: rows of a power of two bytes apart would share a few cache sets.
constexpr int kTileStride = kTileEdge + 16;
// Every micro-kernel's height and every vector's length divides this: loops may run to the next multiple.
constexpr int kGrain = 48;

constexpr int64_t round_up(int64_t count, int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

// One tile: similarities of `rows` anchors with `columns` candidates.
struct Tile {
  float* values;
  const int32_t* row_labels;     // of its rows
  const int32_t* column_labels;  // of its columns, readable up to the next multiple of kGrain
  int rows, columns;
  // Column that is the same embedding as row 0 (then row r's own column is r more), or −kTileEdge where there is none.
  int self_column;
};

// What one tile says of one side of one anchor: a piece of its log-sum-exp, or its hardest pair.
struct SidePartial {
  float reference;
  float sum;        // 0 where the tile has no such pair; 1 for a hardest pair
  int32_t hardest;  // column of the hardest pair inside the tile
};

struct AnchorPartial {
  SidePartial side[2];
};

}  // namespace circle::cpu
