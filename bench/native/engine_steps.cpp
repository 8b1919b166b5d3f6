// Where the time of one pair-wise call goes: each step of the CPU engine alone, on one thread, beside the multiply-adds
// that the machine does in registers. For tuning kernels; the comparison with others is `npm run bench`.
//
// usage: engine_steps [variant] [anchors] [dim]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "native/cpu/denormals.h"
#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "native/cpu/packed_rows.h"

using namespace circle;
using namespace circle::cpu;

namespace {

// Processor time of this thread: what else runs on the machine disturbs it least.
double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

// Lower fifth of the samples: neighbours on the machine only ever add time.
template <class Step>
double fast_milliseconds(const Step& step) {
  std::vector<double> samples;
  for (double begin = now(); samples.size() < 5 || (samples.size() < 101 && now() - begin < 1000);) {
    const double start = now();
    step();
    samples.push_back(now() - start);
  }
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 5, samples.end());
  return samples[samples.size() / 5];
}

void print(const char* step, double milliseconds, double flops) {
  std::printf("%-34s %10.3f ms", step, milliseconds);
  if (flops > 0) std::printf(" %8.1f GFLOP/s", flops / milliseconds / 1e6);
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  const Kernels* const kernels = count > 1 ? find_kernels(arguments[1]) : available_kernels().front();
  const int64_t anchors = count > 2 ? std::atoll(arguments[2]) : 1024, dim = count > 3 ? std::atoll(arguments[3]) : 512;
  if (!kernels || anchors < 1 || dim < 1) {
    std::fprintf(stderr, "usage: engine_steps [variant of this CPU] [anchors] [dim]\n");
    return 2;
  }

  const FlushDenormals flush;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> embeddings(static_cast<size_t>(anchors * dim)), gradient(embeddings.size());
  for (float& x : embeddings) x = normal(random);
  std::vector<int32_t> labels(static_cast<size_t>(anchors + kGrain));
  for (int64_t i = 0; i < anchors; ++i) labels[i] = static_cast<int32_t>(i / 4);

  const Rows rows{embeddings.data(),     anchors,        embeddings.data(),    anchors, dim,
                  CandidateKind::kBatch, Normalize::kL2, FiniteCheck::kReport, 1,       int64_t{1} << 40};
  const CircleLoss loss = CircleLoss::make(80, {1.4, 0.6}, {-0.4, 0.4}, CircleDerivative::kDetached);
  const LossKernels<CircleLoss>& loss_kernels = std::get<LossKernels<CircleLoss>>(kernels->losses);
  const Plan plan(rows, TileStorage::kKept);
  const Range all = plan.all_columns();
  ThreadTeam team(1, nullptr);
  Workspace workspace;
  PackedRows packed(*kernels, rows, plan, workspace, team);
  Buffer tiles, accumulators;
  if (!packed.reserve(all.size(), {true, true, true}) || !tiles.reserve(plan.tiles_in(all) * plan.tile_floats() * 4) ||
      !accumulators.reserve(plan.anchors.padded_rows() * plan.dim_panels() * kPanel * 4))
    return 1;
  const Panels sums{accumulators.as<float>(), plan.anchors.padded_rows() * kPanel};
  std::vector<AnchorPartial> row_partials(static_cast<size_t>(anchors)), column_partials(row_partials);
  std::vector<AnchorTerms> terms(static_cast<size_t>(anchors));
  for (AnchorTerms& term : terms) term.side[kPositive] = term.side[kNegative] = {1, 1e-3f};

  const auto values = [&](TileIndex tile) { return tiles.as<float>() + plan.number(all, tile) * plan.tile_floats(); };
  const auto for_each_tile = [&](const auto& visit) {
    for (int64_t number = 0; number < plan.tiles_in(all); ++number) visit(plan.tile(all, number));
  };
  const auto tile_at = [&](TileIndex tile) {
    return Tile{values(tile),
                labels.data() + plan.anchors.first(tile.row_block),
                labels.data() + plan.anchors.first(tile.column_block),
                plan.anchors.size(tile.row_block),
                plan.anchors.size(tile.column_block),
                plan.diagonal(tile) ? 0 : -kTileEdge};
  };
  const auto multiply = [&](Orientation orientation) {
    for (int64_t block = 0; block < plan.anchors.count(); ++block)
      for (int64_t other = 0; other < plan.anchors.count(); ++other)
        for (int64_t panel = 0; panel < plan.dim_panels(); panel += 8)
          kernels->accumulate(values({std::min(block, other), std::max(block, other)}), orientation,
                              plan.anchors.size(block), plan.anchors.size(other),
                              packed.candidates(all, other).from_panel(panel),
                              static_cast<int>(std::min<int64_t>(8, plan.dim_panels() - panel)),
                              sums.from_row(plan.anchors.first(block)).from_panel(panel), Start::kContinue);
  };

  const double n2d = static_cast<double>(anchors) * static_cast<double>(anchors) * static_cast<double>(dim);
  std::printf("%s, %lld x %lld, %lld tiles\n", kernels->name, static_cast<long long>(anchors),
              static_cast<long long>(dim), static_cast<long long>(plan.tiles_in(all)));
  print("measure and pack", fast_milliseconds([&] { packed.pack_anchors(); }), 0);
  print("similarities (N2D: half of them)",
        fast_milliseconds([&] { for_each_tile([&](TileIndex t) { packed.similarity_tile(t, values(t)); }); }),
        n2d);
  print("statistics", fast_milliseconds([&] {
          for_each_tile([&](TileIndex t) {
            loss_kernels.statistics(loss, tile_at(t), row_partials.data(),
                                    plan.diagonal(t) ? nullptr : column_partials.data());
          });
        }),
        0);
  print("pair weights", fast_milliseconds([&] {
          for_each_tile([&](TileIndex t) { loss_kernels.pair_weights(loss, tile_at(t), terms.data(), terms.data()); });
        }),
        0);
  // The weights of weights of weights soon are 0: the products start from similarities again.
  for_each_tile([&](TileIndex t) { packed.similarity_tile(t, values(t)); });
  print("products, tiles as they lie (2N2D)", fast_milliseconds([&] { multiply(Orientation::kRows); }), 2 * n2d);
  print("products, tiles mirrored (2N2D)", fast_milliseconds([&] { multiply(Orientation::kColumns); }), 2 * n2d);
  print("unpack", fast_milliseconds([&] {
          kernels->unpack_gradient(sums, packed.anchors(), packed.anchor_scales(), nullptr, anchors, dim, gradient.data(),
                                   dim);
        }),
        0);

  cpu::Engine engine(*kernels);
  std::vector<float> losses(static_cast<size_t>(anchors));
  const Problem problem{rows, labels.data(), nullptr, loss, Scope::kAnchor, Reduction::kMean, 1, nullptr};
  Results results{losses.data(), gradient.data(), nullptr};
  print("the whole call (counted 3N2D)", fast_milliseconds([&] { engine.compute(problem, results, nullptr); }),
        3 * n2d);
  return 0;
}
