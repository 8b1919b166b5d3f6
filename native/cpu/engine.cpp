#include "native/cpu/engine.h"

#include <type_traits>
#include <variant>

#include "native/cpu/denormals.h"
#include "native/cpu/finish.h"
#include "native/cpu/gradient_pass.h"
#include "native/cpu/hardest_gradient.h"
#include "native/cpu/matrix_writer.h"
#include "native/cpu/statistics_pass.h"

namespace circle::cpu {
namespace {

// Below this many multiply-adds a product a second thread costs more than it saves.
constexpr double kWorthThreads = 1 << 20;

int useful_threads(const Rows& rows, const Plan& plan) {
  // One tile is measured and weighed by one thread: the others would spend their time fetching what it has in its cache,
  // unless it has dimensions enough to share.
  if (plan.anchors.count() == 1 && plan.candidates.count() == 1 && plan.slices() == 1) return 1;
  const double work = static_cast<double>(rows.anchor_count) * static_cast<double>(rows.candidate_count) *
                      static_cast<double>(rows.dim);
  return work < kWorthThreads ? 1 : rows.threads;
}

template <class Loss>
using GradientOf = std::conditional_t<Loss::kHardest, HardestGradient<Loss>, GradientPass<Loss>>;

template <class Loss>
TileStorage useful_storage(const Results& results) {
  // Tiles are worth keeping only for a gradient that is made of them.
  const bool wants_gradient = results.gradient || results.moves_candidates();
  return wants_gradient && !Loss::kHardest ? TileStorage::kKept : TileStorage::kRecomputed;
}

template <class Loss>
Outcome compute_loss(const Kernels& kernels, const Problem& problem, const Loss& loss, Results& results,
                     Workspace& workspace, const std::atomic<bool>* abort) {
  const Plan plan(problem.rows, useful_storage<Loss>(results));
  ThreadTeam team(useful_threads(problem.rows, plan), abort);
  PackedRows rows(kernels, problem.rows, plan, workspace, team);
  const LossCall<Loss> call{
      kernels, std::get<LossKernels<Loss>>(kernels.losses), problem, loss, results, plan, workspace, team, rows};
  StatisticsPass<Loss> statistics(call);
  GradientOf<Loss> gradient(call);

  // All memory before any work, so that running out of it leaves nothing half done.
  if (!rows.reserve(plan.statistics_panel(0).size(), {true, true, false}) || !statistics.reserve() ||
      !reserve_finish(call) || (call.wants_gradient() && !gradient.reserve()))
    return {Status::kOutOfMemory};

  rows.pack_anchors();
  Outcome outcome = statistics.run();
  if (outcome.ok()) outcome = finish(call);
  if (outcome.ok() && team.aborted()) outcome = {Status::kAborted};
  // Half an update would be worse than a call that ends late.
  if (outcome.ok() && results.update) team.ignore_abort();
  if (outcome.ok() && call.wants_gradient()) gradient.run();
  return outcome.ok() && team.aborted() ? Outcome{Status::kAborted} : outcome;
}

}  // namespace

Outcome Engine::compute(const Problem& problem, Results& results, const std::atomic<bool>* abort) {
  const FlushDenormals flush;
  return std::visit([&](const auto& loss) { return compute_loss(kernels_, problem, loss, results, workspace_, abort); },
                    problem.pair_loss);
}

Outcome Engine::similarity(const Rows& rows, float* out, const std::atomic<bool>* abort) {
  const FlushDenormals flush;
  const Plan plan(rows, TileStorage::kRecomputed);
  ThreadTeam team(useful_threads(rows, plan), abort);
  PackedRows packed(kernels_, rows, plan, workspace_, team);
  constexpr CandidateForms kMeasure{true, false, false}, kPack{false, true, false};
  const int64_t tile_bytes = plan.tile_floats() * static_cast<int64_t>(sizeof(float));
  if (!packed.reserve(plan.statistics_panel(0).size(), kPack) || !workspace_.tiles.reserve(team.size() * tile_bytes))
    return {Status::kOutOfMemory};
  packed.pack_anchors();
  packed.pack_candidates(plan.all_columns(), kMeasure);
  const Outcome finite = packed.check_finite();
  if (!finite.ok()) return finite;

  const MatrixWriter writer(plan, rows.normalize, out);
  for (Range panel{0, 0}; panel.end < plan.candidates.count();) {
    panel = plan.statistics_panel(panel.end);
    packed.pack_candidates(panel, kPack);
    team.for_each(plan.tiles_in(panel), [&](int64_t number, int worker) {
      const TileIndex tile = plan.tile(panel, number);
      float* values = workspace_.tiles.as<float>() + worker * plan.tile_floats();
      packed.similarity_tile(tile, values);
      writer.write(tile, values);
    });
  }
  return team.aborted() ? Outcome{Status::kAborted} : Outcome{};
}

void Engine::release() {
  workspace_.visit([](Buffer& buffer) { buffer.release(); });
}

int64_t Engine::workspace_bytes() const {
  int64_t bytes = 0;
  workspace_.visit([&](const Buffer& buffer) { bytes += buffer.bytes(); });
  return bytes;
}

}  // namespace circle::cpu
