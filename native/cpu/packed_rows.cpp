#include "native/cpu/packed_rows.h"

#include <algorithm>

#include "native/cpu/row_scales.h"

namespace circle::cpu {

bool PackedRows::reserve(int64_t widest_panel, CandidateForms forms) {
  const int64_t floats = sizeof(float), panel_floats = plan_.dim_panels() * kPanel;
  Workspace& w = workspace_;
  const int64_t padded = plan_.anchors.padded_rows();
  bool ok = w.anchor_scales.reserve(padded * static_cast<int64_t>(sizeof(RowScale))) &&
            w.anchor_panels.reserve(padded * panel_floats * floats);
  if (forms.groups) ok = ok && w.candidate_groups.reserve(widest_panel * plan_.group_floats() * floats);
  if (plan_.slices() > 1) ok = ok && reserve_slices();
  if (plan_.symmetric) return ok;
  ok = ok && w.candidate_scales.reserve(plan_.candidates.rows * static_cast<int64_t>(sizeof(RowScale)));
  if (forms.panels) ok = ok && w.candidate_panels.reserve(widest_panel * plan_.candidates.edge * panel_floats * floats);
  return ok && (!rows_.candidate_rows || reserve_row_blocks());
}

bool PackedRows::reserve_slices() {
  return workspace_.slice_sums.reserve(plan_.slices() * plan_.anchors.edge * static_cast<int64_t>(sizeof(double))) &&
         workspace_.slice_tiles.reserve((plan_.slices() - 1) * plan_.tile_floats() *
                                        static_cast<int64_t>(sizeof(float)));
}

bool PackedRows::reserve_row_blocks() {
  return workspace_.row_blocks.reserve(team_.size() * plan_.group_floats() * static_cast<int64_t>(sizeof(float)));
}

void PackedRows::measure(const float* rows, const Blocks& blocks, int64_t block, RowScale* scales, InputArray array) {
  const int64_t first = blocks.first(block), count = blocks.size(block);
  double squares[kTileEdge];
  kernels_.squares({rows, plan_.dim, count, plan_.dim}, squares);
  note_bad_row(array, first, scale_rows(squares, count, rows_.normalize, scales + first));
}

void PackedRows::note_bad_row(InputArray array, int64_t first, int64_t bad) {
  if (bad < 0) return;
  std::atomic<int64_t>& first_bad_row = first_bad_row_[static_cast<int>(array)];
  int64_t known = first_bad_row.load();
  while (first + bad < known && !first_bad_row.compare_exchange_weak(known, first + bad)) {
  }
}

Outcome PackedRows::check_finite() const {
  if (rows_.finite_check == FiniteCheck::kPropagate) return {};
  for (const InputArray array : {InputArray::kAnchors, InputArray::kCandidates}) {
    const int64_t row = first_bad_row_[static_cast<int>(array)].load();
    if (row != INT64_MAX) return {Status::kNotFinite, array, row};
  }
  return {};
}

void PackedRows::pack_anchors() {
  if (plan_.slices() > 1) return pack_anchor_slices();
  RowScale* const scales = workspace_.anchor_scales.as<RowScale>();
  // The first panel of a batch is packed while its rows are in the cache.
  if (plan_.symmetric) packed_groups_ = plan_.statistics_panel(0);
  team_.for_each(plan_.anchors.count(), [&](int64_t block, int) {
    const int64_t first = plan_.anchors.first(block), count = plan_.anchors.size(block);
    const float* from = rows_.anchors + first * plan_.dim;
    measure(from, plan_.anchors, block, scales, InputArray::kAnchors);
    const GivenRows rows{from, plan_.dim, count, plan_.dim};
    kernels_.pack_panels(rows, scales + first, anchors().from_row(first));
    if (block < packed_groups_.end) kernels_.pack_groups(rows, scales + first, groups(block));
  });
}

void PackedRows::pack_candidates(Range panel, CandidateForms forms) {
  if (plan_.symmetric) forms = {false, forms.groups, false};
  if (forms.groups && panel == packed_groups_) forms.groups = false;
  if (!forms.scales && !forms.groups && !forms.panels) return;
  if (forms.groups) packed_groups_ = panel;
  const RowScale* const scales = candidate_scales();
  team_.for_each(panel.size(), [&](int64_t i, int worker) {
    const int64_t block = panel.begin + i;
    const int64_t first = plan_.candidates.first(block), count = plan_.candidates.size(block);
    const float* const from = candidate_rows(block, worker);
    if (forms.scales)
      measure(from, plan_.candidates, block, workspace_.candidate_scales.as<RowScale>(), InputArray::kCandidates);
    const GivenRows rows{from, plan_.dim, count, plan_.dim};
    if (forms.groups) kernels_.pack_groups(rows, scales + first, groups(block));
    if (forms.panels) kernels_.pack_panels(rows, scales + first, candidates(panel, block));
  });
}

// The rows of a block side by side: where they lie, or gathered.
const float* PackedRows::candidate_rows(int64_t block, int worker) const {
  const int64_t first = plan_.candidates.first(block), dim = plan_.dim;
  if (!rows_.candidate_rows) return rows_.candidates + first * dim;
  float* const gathered = row_block(worker);
  for (int row = 0; row < plan_.candidates.size(block); ++row)
    std::copy_n(rows_.candidates + rows_.candidate_row(first + row) * dim, dim, gathered + row * dim);
  return gathered;
}

float* PackedRows::groups(int64_t block) const {
  return workspace_.candidate_groups.as<float>() + (block - packed_groups_.begin) * plan_.group_floats();
}

Panels PackedRows::candidates(Range panel, int64_t block) const {
  if (plan_.symmetric) return anchors().from_row(plan_.candidates.first(block));
  const Panels all{workspace_.candidate_panels.as<float>(), panel.size() * plan_.candidates.edge * kPanel};
  return all.from_row((block - panel.begin) * plan_.candidates.edge);
}

GivenRows PackedRows::anchor_slice(Range dims) const {
  return {rows_.anchors + dims.begin, plan_.dim, plan_.anchors.rows, dims.size()};
}

// Slices' sums of each anchor, added up in ascending order, into those of the first.
const double* PackedRows::add_slice_sums() const {
  double* const all = slice_sums(0);
  for (int64_t slice = 1; slice < plan_.slices(); ++slice)
    for (int64_t row = 0; row < plan_.anchors.rows; ++row) all[row] += slice_sums(slice)[row];
  return all;
}

void PackedRows::pack_anchor_slices() {
  packed_groups_ = plan_.all_columns();
  team_.for_each(plan_.slices(),
                 [&](int64_t slice, int) { kernels_.squares(anchor_slice(plan_.slice(slice)), slice_sums(slice)); });
  if (team_.aborted()) return;  // some slices may not have been measured
  RowScale* const scales = workspace_.anchor_scales.as<RowScale>();
  note_bad_row(InputArray::kAnchors, 0, scale_rows(add_slice_sums(), plan_.anchors.rows, rows_.normalize, scales));
  team_.for_each(plan_.slices(), [&](int64_t slice, int) {
    const Range dims = plan_.slice(slice);
    kernels_.pack_panels(anchor_slice(dims), scales, anchors().from_panel(dims.begin / kPanel));
    kernels_.pack_groups(anchor_slice(dims), scales, slice_groups(dims));
  });
}

void PackedRows::similarity_slices(float* to) const {
  const int rows = static_cast<int>(plan_.anchors.rows);
  const auto tile = [&](int64_t slice) {
    return slice == 0 ? to : workspace_.slice_tiles.as<float>() + (slice - 1) * plan_.tile_floats();
  };
  team_.for_each(plan_.slices(), [&](int64_t slice, int) {
    const Range dims = plan_.slice(slice);
    kernels_.similarity_tile(anchors().from_panel(dims.begin / kPanel), slice_groups(dims), dims.size(), rows, rows,
                             TileKind::kDiagonal, tile(slice));
  });
  for (int64_t slice = 1; slice < plan_.slices(); ++slice)
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < rows; ++column)
        to[row * kTileStride + column] += tile(slice)[row * kTileStride + column];
}

const double* PackedRows::project_anchors(Panels gradient) const {
  if (plan_.slices() == 1) return nullptr;
  team_.for_each(plan_.slices(), [&](int64_t slice, int) {
    const Range dims = plan_.slice(slice);
    const int64_t panel = dims.begin / kPanel;
    kernels_.project(gradient.from_panel(panel), anchors().from_panel(panel), plan_.anchors.rows, dims.size(),
                     slice_sums(slice));
  });
  return add_slice_sums();
}

void PackedRows::similarity_tile(TileIndex tile, float* to) const {
  if (plan_.slices() > 1) return similarity_slices(to);
  kernels_.similarity_tile(anchors().from_row(plan_.anchors.first(tile.row_block)), groups(tile.column_block),
                           plan_.dim, plan_.anchors.size(tile.row_block), plan_.candidates.size(tile.column_block),
                           plan_.diagonal(tile) ? TileKind::kDiagonal : TileKind::kFull, to);
}

}  // namespace circle::cpu
