// Tiles as those see them who ask for each anchor's candidates: an anchor a row. A tile of pair-wise labels above the
// diagonal is seen twice, as it is and turned over, because its columns are anchors too.
#pragma once

#include <cmath>

#include "native/cpu/tile_stream.h"

namespace circle::cpu {

struct TileView {
  int64_t block;  // of the anchors on its rows
  int64_t first_row, first_column;
  int rows, columns;
  float* values;  // a row every kTileStride; the viewer's to change

  float* row(int r) const { return values + r * kTileStride; }
};

class TileViews {
 public:
  TileViews(const Kernels& kernels, TileStream& stream, Workspace& workspace)
      : kernels_(kernels), stream_(stream), workspace_(workspace) {}

  bool reserve() {
    if (!stream_.plan.symmetric) return true;
    return workspace_.turned_tiles.reserve(stream_.team.size() * tile_floats() * static_cast<int64_t>(sizeof(float)));
  }

  // look(view) for both views of each tile that is wanted(tile).
  template <class Wanted, class Look>
  void for_each(const Wanted& wanted, const Look& look) {
    const Plan& plan = stream_.plan;
    stream_.for_each(wanted, [&](TileIndex tile, float* values, int worker) {
      const int64_t first_row = plan.anchors.first(tile.row_block);
      const int64_t first_column = plan.candidates.first(tile.column_block);
      const int rows = plan.anchors.size(tile.row_block), columns = plan.candidates.size(tile.column_block);
      if (!plan.symmetric || plan.diagonal(tile))
        return look(TileView{tile.row_block, first_row, first_column, rows, columns, values});
      float* const turned = workspace_.turned_tiles.as<float>() + worker * tile_floats();
      kernels_.turn_tile(values, rows, columns, turned);
      look(TileView{tile.row_block, first_row, first_column, rows, columns, values});
      look(TileView{tile.column_block, first_column, first_row, columns, rows, turned});
    });
  }

 private:
  int64_t tile_floats() const { return stream_.plan.tile_floats(); }

  const Kernels& kernels_;
  TileStream& stream_;
  Workspace& workspace_;
};

// Vectors of a row may be read whole: what is no candidate, behind the last one or hidden from the anchor, is NaN, which no
// comparison lets through.
inline void hide(const TileView& view, int r, int64_t first, int64_t end) {
  float* const row = view.row(r);
  for (int c = view.columns; c % kGrain != 0; ++c) row[c] = NAN;
  const int64_t from = first > view.first_column ? first - view.first_column : 0;
  const int64_t to = end - view.first_column < view.columns ? end - view.first_column : view.columns;
  for (int64_t c = from; c < to; ++c) row[c] = NAN;
}

}  // namespace circle::cpu
