// Triplet loss with hard mining (Eq. 3): [max s_n − min s_p + m]₊, the limit of the unified loss / γ for γ → ∞.
// There are no sums: an anchor's statistics are its hardest positive and its hardest negative.
#pragma once

#include "native/losses/unified.h"

namespace circle {

struct TripletLoss {
  static constexpr bool kHardest = true;
  LinearSide positive, negative;

  static TripletLoss make(double margin) { return {{1, -1, 0}, {1, +1, static_cast<float>(margin)}}; }
};

}  // namespace circle
