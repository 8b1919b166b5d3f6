// One call of one pair loss: forward to statistics, statistics to losses and terms, terms to gradients.
//
//   forward    for each panel:  tiles → similarities → partial statistics;  fold partials into the anchors'
//   statistics finish     statistics → losses, reduction, terms gradient   for each panel:  tiles →
//   (similarities again) → pair weights;  weights × rows into the accumulators unpack     accumulators →
//   gradients, back through the normalisation
//
// Partials are folded and products are added in ascending order of blocks, whoever computes them and however
// the panels are cut: same inputs, same bits.
#pragma once

#include "native/cpu/packed_rows.h"

namespace circle::cpu {

template <class Loss>
class LossCall {
 public:
  LossCall(const Kernels& kernels, const Problem& problem, const Loss& loss, Results& results, Workspace& workspace,
           ThreadTeam& team);

  Outcome run();

 private:
  bool reserve();
  void lay_out_candidate_labels();

  Outcome forward();
  void tile_statistics(Range panel, int64_t number, int worker);
  void fold_statistics(Range panel, int64_t block);
  AnchorPartial* row_partials(Range panel, int64_t column_block, int64_t row) const;
  AnchorPartial* column_partials(int64_t row_block, Range panel, int64_t column) const;

  Outcome finish();
  void anchor_losses(int multiplicity);
  AnchorStatistics whole_batch() const;

  void gradient();
  void pair_weights(Range panel, int64_t number);
  void anchor_products(Range panel, int64_t block, int64_t first_dim_panel);
  void candidate_products(Range panel, int64_t block, int64_t first_dim_panel);
  void product(Range panel, TileIndex tile, Orientation orientation, int64_t first_dim_panel, Panels gradient);

  void hardest_gradient();
  void unpack_anchors();
  void unpack_candidates(Range panel);
  void unpack_unpacked_candidates();

  Tile tile_at(TileIndex index, float* values) const;
  float* tile_values(Range panel, TileIndex tile) const;
  bool wants_gradient() const { return results_.gradient || results_.candidate_gradient; }
  Panels anchor_gradient() const;
  Panels candidate_gradient(Range panel) const;

  AnchorStatistics* statistics() const { return workspace_.statistics.as<AnchorStatistics>(); }
  AnchorLoss* losses() const { return workspace_.losses.as<AnchorLoss>(); }
  AnchorTerms* terms() const { return workspace_.terms.as<AnchorTerms>(); }

  const Kernels& kernels_;
  const LossKernels<Loss>& loss_kernels_;
  const Problem& problem_;
  const Loss& loss_;
  Results& results_;
  Workspace& workspace_;
  ThreadTeam& team_;
  Plan plan_;
  PackedRows rows_;
};

}  // namespace circle::cpu
