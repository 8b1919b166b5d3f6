#include "native/cpu/engine.h"

#include <algorithm>
#include <cstring>
#include <variant>

#include "native/cpu/loss_call.h"

namespace circle::cpu {
namespace {

// Below this many multiply-adds a product a second thread costs more than it saves.
constexpr double kWorthThreads = 1 << 20;

int useful_threads(const Rows& rows) {
  const double work = static_cast<double>(rows.anchor_count) * static_cast<double>(rows.candidate_count) *
                      static_cast<double>(rows.dim);
  return work < kWorthThreads ? 1 : rows.threads;
}

// Copies a tile into the row-major matrix, and for pair-wise labels its mirror image too. Similarities of
// unit rows are cosines: rounding must not push them past ±1.
class MatrixWriter {
 public:
  MatrixWriter(const Plan& plan, Normalize normalize, float* out)
      : plan_(plan), limit_(normalize == Normalize::kL2 ? 1.0f : INFINITY), out_(out) {}

  void write(TileIndex tile, const float* values) const {
    const int64_t first_row = plan_.anchors.first(tile.row_block);
    const int64_t first_column = plan_.candidates.first(tile.column_block);
    const int rows = plan_.anchors.size(tile.row_block), columns = plan_.candidates.size(tile.column_block);
    const int64_t stride = plan_.candidates.rows;
    for (int r = 0; r < rows; ++r) {
      float* to = out_ + (first_row + r) * stride + first_column;
      for (int c = 0; c < columns; ++c) to[c] = clamp(values[r * kTileStride + c]);
    }
    if (!plan_.symmetric || plan_.diagonal(tile)) return;
    for (int c = 0; c < columns; ++c) {
      float* to = out_ + (first_column + c) * stride + first_row;
      for (int r = 0; r < rows; ++r) to[r] = clamp(values[r * kTileStride + c]);
    }
  }

 private:
  float clamp(float s) const { return s > limit_ ? limit_ : s < -limit_ ? -limit_ : s; }

  const Plan& plan_;
  float limit_;
  float* out_;
};

}  // namespace

Outcome Engine::compute(const Problem& problem, Results& results, const std::atomic<bool>* abort) {
  ThreadTeam team(useful_threads(problem.rows), abort);
  return std::visit(
      [&](const auto& loss) { return LossCall(kernels_, problem, loss, results, workspace_, team).run(); },
      problem.pair_loss);
}

Outcome Engine::similarity(const Rows& rows, float* out, const std::atomic<bool>* abort) {
  ThreadTeam team(useful_threads(rows), abort);
  const Plan plan(rows, TileStorage::kRecomputed);
  PackedRows packed(kernels_, rows, plan, workspace_, team);
  constexpr CandidateForms kForms{true, false};
  const int64_t tile_bytes = plan.tile_floats() * static_cast<int64_t>(sizeof(float));
  if (!packed.reserve(plan.statistics_panel(0).size(), kForms) || !workspace_.tiles.reserve(team.size() * tile_bytes))
    return {Status::kOutOfMemory};
  Outcome outcome = packed.pack_anchors();
  if (outcome.ok()) outcome = packed.measure_candidates();
  if (!outcome.ok()) return outcome;

  const MatrixWriter writer(plan, rows.normalize, out);
  for (Range panel{0, 0}; panel.end < plan.candidates.count();) {
    panel = plan.statistics_panel(panel.end);
    packed.pack_candidates(panel, kForms);
    team.for_each(plan.tiles_in(panel), [&](int64_t number, int worker) {
      const TileIndex tile = plan.tile(panel, number);
      float* values = workspace_.tiles.as<float>() + worker * plan.tile_floats();
      packed.similarity_tile(panel, tile, values);
      writer.write(tile, values);
    });
  }
  return team.aborted() ? Outcome{Status::kAborted} : Outcome{};
}

void Engine::release() {
  workspace_.visit([](Buffer& buffer) { buffer.release(); });
}

int64_t Engine::workspace_bytes() {
  int64_t bytes = 0;
  workspace_.visit([&](Buffer& buffer) { bytes += buffer.bytes(); });
  return bytes;
}

}  // namespace circle::cpu
