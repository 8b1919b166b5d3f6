// How one call is cut into panels (kernels.h has the drawing), and where a panel's pieces lie in the workspace: a pure
// function of the call's shape, its core and its workspace limit, never of the device.
//
// Panels are ranges of rows, multiples of kTile, as many as fit the limit; one row of tiles where even that does not.
// The forward pass, the gradient, the similarity matrix and retrieval have panels of their own, one after the other in the
// same memory. What a panel holds, and in which order (its pieces need no padding in between to be aligned):
//
//                             pair-wise                              other candidates
//   forward    partials by columns, partials by rows      packed candidates, partials by columns
//   gradient   weights, sums                              2 × the candidates' gradient, weights, packed candidates, sums
//   matrix     2 × similarities                           2 × similarities, packed candidates
//   retrieval  similarities                               similarities, packed candidates
//
// Two of what goes to the host: while one is on its way, the device writes the other. They come first, at places that are
// the same for all panels of a call, so that a shorter panel writes nothing where a longer one's result still is.
#pragma once

#include "cuda/kernels.h"
#include "native/core/problem.h"

namespace circle::cuda {

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

constexpr int64_t blocks_in(int64_t rows) {
  return (rows + kTile - 1) / kTile;
}

// How often the results of a product are split, each split with a share of the steps, where they are too few to keep a
// device busy.
int32_t splits_for(int64_t results, int64_t dim, int64_t steps);

// Pieces of a panel, in bytes from its beginning. One that a panel does not have is empty.
struct StatisticsLayout {
  int64_t packed, column_partials, row_partials, end;
};
struct GradientLayout {
  int64_t gradient[2], weights, packed, sums, end;
  int32_t splits;  // of the sums of the panel's rows
};
struct SimilarityLayout {
  int64_t out[2], packed, end;
};
struct SearchLayout {
  int64_t similarities, packed, end;
};

struct Plan {
  int64_t anchors, candidates, dim;
  Core core;
  bool symmetric;  // candidates are the batch
  int64_t workspace_limit;
  int32_t row_stride;     // elements of a packed row
  int32_t sum_stride;     // floats of a row of sums
  int32_t anchor_splits;  // of the sums over panels' columns, the same in all panels because they add up there

  Plan(const Rows& rows, Core core);

  // The panel that begins at a row.
  Range statistics_panel(int64_t begin) const;
  Range gradient_panel(int64_t begin) const;
  Range similarity_panel(int64_t begin) const;
  Range search_panel(int64_t begin) const;

  StatisticsLayout statistics_layout(int64_t rows) const;
  GradientLayout gradient_layout(Range panel) const;
  SimilarityLayout similarity_layout(int64_t rows) const;
  SearchLayout search_layout(int64_t rows) const;

  // Of the largest panel.
  int64_t statistics_bytes() const;
  int64_t gradient_bytes() const;
  int64_t similarity_bytes() const;
  int64_t search_bytes() const;

  int64_t packed_bytes(int64_t rows) const { return rows * row_stride * element_bytes(core); }
  int64_t anchor_slice() const { return anchors * sum_stride; }  // floats of one split of the anchors' sums
  int64_t weight_columns(Range panel) const { return symmetric ? anchors - panel.begin : anchors; }

 private:
  // From `begin`, as many rows as have room where a row of tiles takes `bytes`.
  Range panel(int64_t begin, int64_t bytes) const;
};

}  // namespace circle::cuda
