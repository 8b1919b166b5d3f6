#include "native/cpu/packed_rows.h"

#include <algorithm>

namespace circle::cpu {

bool PackedRows::reserve(int64_t widest_panel, CandidateForms forms) {
  const int64_t floats = sizeof(float), panel_floats = plan_.dim_panels() * kPanel;
  Workspace& w = workspace_;
  const int64_t padded = plan_.anchors.padded_rows();
  bool ok = w.anchor_scales.reserve(padded * static_cast<int64_t>(sizeof(RowScale))) &&
            w.anchor_panels.reserve(padded * panel_floats * floats);
  if (forms.groups) ok = ok && w.candidate_groups.reserve(widest_panel * plan_.group_floats() * floats);
  if (plan_.symmetric) return ok;
  ok = ok && w.candidate_scales.reserve(plan_.candidates.rows * static_cast<int64_t>(sizeof(RowScale)));
  if (forms.panels) ok = ok && w.candidate_panels.reserve(widest_panel * plan_.candidates.edge * panel_floats * floats);
  return ok && (!rows_.candidate_rows || reserve_row_blocks());
}

bool PackedRows::reserve_row_blocks() {
  return workspace_.row_blocks.reserve(team_.size() * plan_.group_floats() * static_cast<int64_t>(sizeof(float)));
}

void PackedRows::measure(const float* rows, const Blocks& blocks, int64_t block, RowScale* scales, InputArray array) {
  const int64_t first = blocks.first(block);
  const int64_t bad = kernels_.measure_rows(rows, blocks.size(block), plan_.dim, rows_.normalize, scales + first);
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
  RowScale* const scales = workspace_.anchor_scales.as<RowScale>();
  // The first panel of a batch is packed while its rows are in the cache.
  if (plan_.symmetric) packed_groups_ = plan_.statistics_panel(0);
  team_.for_each(plan_.anchors.count(), [&](int64_t block, int) {
    const int64_t first = plan_.anchors.first(block), count = plan_.anchors.size(block);
    const float* from = rows_.anchors + first * plan_.dim;
    measure(from, plan_.anchors, block, scales, InputArray::kAnchors);
    kernels_.pack_panels(from, count, plan_.dim, scales + first, anchors().from_row(first));
    if (block < packed_groups_.end) kernels_.pack_groups(from, count, plan_.dim, scales + first, groups(block));
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
    if (forms.groups) kernels_.pack_groups(from, count, plan_.dim, scales + first, groups(block));
    if (forms.panels) kernels_.pack_panels(from, count, plan_.dim, scales + first, candidates(panel, block));
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

void PackedRows::similarity_tile(TileIndex tile, float* to) const {
  kernels_.similarity_tile(anchors().from_row(plan_.anchors.first(tile.row_block)), groups(tile.column_block),
                           plan_.dim, plan_.anchors.size(tile.row_block), plan_.candidates.size(tile.column_block),
                           plan_.diagonal(tile) ? TileKind::kDiagonal : TileKind::kFull, to);
}

}  // namespace circle::cpu
