// Each pair is positive, negative or neither: the only place that decides.
#pragma once

#include <cstdint>

#include "native/math/inline.h"

namespace circle {

// Masks as comparisons of I give them: true (or all bits set, lane by lane) and false (0).
template <class Mask>
struct PairRoles {
  Mask positive, negative;
};

// One anchor and one candidate, or a vector of candidates, all of them there.
template <class I>
CIRCLE_INLINE auto pair_roles(int32_t anchor_label, I candidate_labels) {
  const auto same = candidate_labels == anchor_label;
  return PairRoles<decltype(same & same)>{same, candidate_labels != anchor_label};
}

// The same where some are not: `excluded` is the candidate that is the anchor itself, or −1; candidates from `count` on
// do not exist.
template <class I>
CIRCLE_INLINE auto pair_roles(int32_t anchor_label, I candidate_labels, I candidates, int32_t excluded, int32_t count) {
  const auto exists = (candidates < count) & (candidates != excluded);
  const auto roles = pair_roles(anchor_label, candidate_labels);
  return PairRoles<decltype(exists & roles.positive)>{roles.positive & exists, roles.negative & exists};
}

}  // namespace circle
