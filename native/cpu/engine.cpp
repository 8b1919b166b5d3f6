#include "native/cpu/engine.h"

#include <type_traits>
#include <variant>

#include "native/cpu/denormals.h"
#include "native/cpu/finish.h"
#include "native/cpu/gradient_pass.h"
#include "native/cpu/hardest_gradient.h"
#include "native/cpu/matrix_writer.h"
#include "native/cpu/nearest_pass.h"
#include "native/cpu/ranking_pass.h"
#include "native/cpu/statistics_pass.h"

namespace circle::cpu {
namespace {

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
  TileStream stream(kernels_, rows, workspace_, abort);
  if (!stream.reserve()) return {Status::kOutOfMemory};
  const Outcome finite = stream.measure();
  if (!finite.ok()) return finite;
  const MatrixWriter writer(stream.plan, rows.normalize, out);
  stream.for_each([](TileIndex) { return true; },
                  [&](TileIndex tile, const float* values, int) { writer.write(tile, values); });
  return stream.end();
}

Outcome Engine::nearest(const Rows& rows, const Nearest& nearest, const std::atomic<bool>* abort) {
  return search<NearestPass>(rows, nearest, abort);
}

Outcome Engine::rank(const Rows& rows, const Ranking& ranking, const std::atomic<bool>* abort) {
  return search<RankingPass>(rows, ranking, abort);
}

template <class Pass, class Results>
Outcome Engine::search(const Rows& rows, const Results& results, const std::atomic<bool>* abort) {
  const FlushDenormals flush;
  TileStream stream(kernels_, rows, workspace_, abort);
  Pass pass(kernels_, rows, results, stream, workspace_);
  if (!stream.reserve() || !pass.reserve()) return {Status::kOutOfMemory};
  const Outcome finite = stream.measure();
  return finite.ok() ? pass.run() : finite;
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
