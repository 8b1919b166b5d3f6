// Memory that a session keeps between calls: buffers that grow and never shrink until they are released.
#pragma once

#include <cstdint>

#include "native/core/anchor_terms.h"
#include "native/cpu/kernels.h"

namespace circle::cpu {

// Uninitialised memory, aligned to cache lines; large ones to huge pages, which spare the products most TLB misses.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // False when there is no such memory; the contents are lost either way.
  bool reserve(int64_t bytes);
  void release();
  int64_t bytes() const { return bytes_; }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

struct Workspace {
  Buffer anchor_scales, candidate_scales;     // RowScale each row
  Buffer anchor_panels;                       // the batch, packed
  Buffer candidate_panels, candidate_groups;  // one panel of candidates, packed
  Buffer anchor_gradient, candidate_gradient;
  Buffer candidate_labels;
  Buffer slice_sums, slice_tiles;  // what slices of the dimensions have of squares, projections and similarities
  Buffer row_blocks;               // row-major rows of one block of candidates for each thread
  Buffer tiles, turned_tiles;
  Buffer row_partials, column_partials;
  Buffer statistics, losses, terms;
  Buffer search_locks;                                 // one for each block of anchors whose nearest are kept
  Buffer run_offsets, run_hulls, thresholds, reached;  // of a ranking

  template <class Visit>
  void visit(const Visit& visit) {
    visit_each(*this, visit);
  }
  template <class Visit>
  void visit(const Visit& visit) const {
    visit_each(*this, visit);
  }

 private:
  template <class Self, class Visit>
  static void visit_each(Self& w, const Visit& visit) {
    for (auto* buffer : {&w.anchor_scales,      &w.candidate_scales, &w.anchor_panels,
                         &w.candidate_panels,   &w.candidate_groups, &w.anchor_gradient,
                         &w.candidate_gradient, &w.candidate_labels, &w.row_blocks,
                         &w.slice_sums,         &w.slice_tiles,      &w.tiles,
                         &w.turned_tiles,       &w.row_partials,     &w.column_partials,
                         &w.statistics,         &w.losses,           &w.terms,
                         &w.search_locks,       &w.run_offsets,      &w.run_hulls,
                         &w.thresholds,         &w.reached})
      visit(*buffer);
  }
};

}  // namespace circle::cpu
