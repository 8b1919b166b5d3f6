// The registry: every pair loss of the package. A pair loss has a `positive` and a `negative` side, each with
//   key(s)                  a number that grows with the logit, so that the largest key is the largest logit
//   exponent(key, reference) logit(key) − logit(reference), precise where both are large
//   slope(s)                ∂logit/∂s
//   logit(key)              in double, for the few numbers that are needed once an anchor
//   steepest()              a bound of |slope(s)| for s in [−1, 1]: half precision has no room for more than it needs
// and says in kHardest whether an anchor's loss is made of sums or of its hardest pairs.
#pragma once

#include <variant>

#include "native/losses/arcface.h"
#include "native/losses/circle.h"
#include "native/losses/triplet.h"
#include "native/losses/unified.h"

namespace circle {

using PairLoss = std::variant<CircleLoss, UnifiedLoss, ArcFaceLoss, TripletLoss>;

}  // namespace circle
