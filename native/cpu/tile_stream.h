// All similarities of a call, a tile at a time: each is made, used and forgotten, so that memory is linear in the rows. What
// they are used for is up to the caller: the matrix, nearest candidates, ranks.
#pragma once

#include <atomic>

#include "native/cpu/packed_rows.h"

namespace circle::cpu {

class TileStream {
 public:
  TileStream(const Kernels& kernels, const Rows& rows, Workspace& workspace, const std::atomic<bool>* abort)
      : plan(rows, TileStorage::kRecomputed),
        team(useful_threads(rows, plan), abort),
        workspace_(workspace),
        packed_(kernels, rows, plan, workspace, team) {}

  bool reserve() {
    const int64_t tile_bytes = plan.tile_floats() * static_cast<int64_t>(sizeof(float));
    return packed_.reserve(plan.statistics_panel(0).size(), kPack) &&
           workspace_.tiles.reserve(team.size() * tile_bytes);
  }

  // Every row is looked at before anything comes of one.
  Outcome measure() {
    packed_.pack_anchors();
    packed_.pack_candidates(plan.all_columns(), {true, false, false});
    return packed_.check_finite();
  }

  // take(tile, values, worker) for each tile that is wanted(tile): of symmetric ones only those on and above the diagonal.
  // Several at a time.
  template <class Wanted, class Take>
  void for_each(const Wanted& wanted, const Take& take) {
    for (Range panel{0, 0}; panel.end < plan.candidates.count() && !team.aborted();) {
      panel = plan.statistics_panel(panel.end);
      packed_.pack_candidates(panel, kPack);
      team.for_each(plan.tiles_in(panel), [&](int64_t number, int worker) {
        const TileIndex tile = plan.tile(panel, number);
        if (!wanted(tile)) return;
        float* const values = workspace_.tiles.as<float>() + worker * plan.tile_floats();
        packed_.similarity_tile(tile, values);
        take(tile, values, worker);
      });
    }
  }

  Outcome end() const { return team.aborted() ? Outcome{Status::kAborted} : Outcome{}; }

  const Plan plan;
  ThreadTeam team;

 private:
  static constexpr CandidateForms kPack{false, true, false};

  Workspace& workspace_;
  PackedRows packed_;
};

}  // namespace circle::cpu
