// What retrieval asks of similarities, in place of a loss: both answers stream by, and are linear in the anchors.
#pragma once

#include <cstdint>

namespace circle {

// The k most similar candidates of each anchor, best first, of equals the lower number; for kBatch not the anchor itself.
// 1 ≤ k ≤ the candidates that an anchor has.
struct Nearest {
  int64_t k;
  float* similarities;  // anchor_count × k
  int32_t* candidates;  // anchor_count × k
};

// How far each candidate of an anchor's own run comes down: by how many of all other candidates, which are those of other
// labels, it is reached. The candidates lie sorted by label, so that an own run is all that has the anchor's label.
//
//   candidates   0 ──────── first ▒▒▒▒▒▒▒▒▒▒ end ──────────── candidate_count
//                  others            own            others
struct Ranking {
  const int32_t *own_first, *own_end;  // one run for each anchor, perhaps empty
  // Anchors' runs, one after the other.
  float* similarities;
  int32_t* reached_by;  // others that are at least as similar
};

}  // namespace circle
