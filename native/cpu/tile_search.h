// What nearest candidates and ranks ask of one row of a tile. Nearly all of a row answers with one comparison a vector:
// only what passes it is looked at one by one.
#pragma once

#include "native/cpu/layout.h"
#include "native/cpu/simd.h"

namespace circle::cpu::CIRCLE_VARIANT {

// Rows become columns. Blocks of 16 × 16: their cache lines are read and written whole.
static void turn_tile(const float* tile, int rows, int columns, float* turned) {
  constexpr int kBlock = 16;
  for (int r0 = 0; r0 < rows; r0 += kBlock)
    for (int c0 = 0; c0 < columns; c0 += kBlock)
      for (int c = c0; c < c0 + kBlock && c < columns; ++c)
        for (int r = r0; r < r0 + kBlock && r < rows; ++r) turned[c * kTileStride + r] = tile[r * kTileStride + c];
}

// Several threads add to the counts of one anchor, each for tiles of its own; sums of integers have no order.
CIRCLE_INLINE void add_shared(int32_t* count, int32_t more) {
  if (more != 0) __atomic_fetch_add(count, more, __ATOMIC_RELAXED);
}

// Up to here counting all values for each threshold is faster than finding each value's place among them.
constexpr int64_t kFewThresholds = 32;

CIRCLE_INLINE void count_for_few(const float* values, int columns, const float* thresholds, int64_t count,
                                 int32_t* reached) {
  int of_last = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Floats threshold = broadcast(thresholds[i]);
    Ints negative{};
    for (int c = 0; c < columns; c += kLanes) negative += load(values + c) >= threshold;
    const int at_least = -sum_of_lanes(negative);
    if (i > 0) add_shared(reached + i - 1, of_last - at_least);
    of_last = at_least;
    if (at_least == 0) return;
  }
  add_shared(reached + count - 1, of_last);
}

CIRCLE_INLINE void count_for_many(const float* values, int columns, const float* thresholds, int64_t count,
                                  int32_t* reached) {
  const Floats least = broadcast(thresholds[0]);
  for (int c = 0; c < columns; c += kLanes) {
    if (!any(load(values + c) >= least)) continue;
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = values[c + lane];
      if (!(value >= thresholds[0])) continue;
      // The last threshold that it reaches lies in [first, first + left).
      int64_t first = 0;
      for (int64_t left = count; left > 1;) {
        const int64_t half = left / 2;
        first = value >= thresholds[first + half] ? first + half : first;
        left -= half;
      }
      add_shared(reached + first, 1);
    }
  }
}

// Adds to reached[i] how many of `columns` values reach thresholds[i] and not thresholds[i + 1]. Thresholds ascend; values
// may be read up to the next multiple of kGrain, where NaN counts nowhere.
static void count_reached(const float* values, int columns, const float* thresholds, int64_t count, int32_t* reached) {
  if (count == 0) return;
  if (count <= kFewThresholds)
    count_for_few(values, columns, thresholds, count, reached);
  else
    count_for_many(values, columns, thresholds, count, reached);
}

// Whether the first pair comes after the second in the order of nearest candidates.
CIRCLE_INLINE bool is_farther(float similarity, int32_t candidate, float other_similarity, int32_t other_candidate) {
  return similarity < other_similarity || (similarity == other_similarity && candidate > other_candidate);
}

// Puts a candidate in the place of the farthest, on top of a heap of `size`.
CIRCLE_INLINE void replace_farthest(float* similarities, int32_t* candidates, int64_t size, float similarity,
                                    int32_t candidate) {
  int64_t hole = 0;
  for (int64_t child = 1; child < size; child = 2 * hole + 1) {
    const int64_t right = child + 1;
    if (right < size && is_farther(similarities[right], candidates[right], similarities[child], candidates[child]))
      child = right;
    if (!is_farther(similarities[child], candidates[child], similarity, candidate)) break;
    similarities[hole] = similarities[child];
    candidates[hole] = candidates[child];
    hole = child;
  }
  similarities[hole] = similarity;
  candidates[hole] = candidate;
}

// Candidates of a row, from `first` on, into an anchor's heap of k, the farthest on top. Values as of count_reached.
static void keep_nearest(const float* values, int columns, int64_t first, float limit, int64_t k, float* similarities,
                         int32_t* candidates) {
  const Floats most = broadcast(limit), least = broadcast(-limit);
  for (int c = 0; c < columns; c += kLanes) {
    const Floats similarity = load(values + c);
    const Floats no_more = similarity > most ? most : similarity;
    const Floats clamped = no_more < least ? least : no_more;
    if (!any(clamped >= broadcast(similarities[0]))) continue;
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto candidate = static_cast<int32_t>(first + c + lane);
      const float value = clamped[lane];
      if (value == value && is_farther(similarities[0], candidates[0], value, candidate))
        replace_farthest(similarities, candidates, k, value, candidate);
    }
  }
}

// A heap of `keep_nearest` in order, nearest first.
static void sort_nearest(int64_t k, float* similarities, int32_t* candidates) {
  for (int64_t last = k - 1; last > 0; --last) {
    const float similarity = similarities[last];
    const int32_t candidate = candidates[last];
    similarities[last] = similarities[0];
    candidates[last] = candidates[0];
    replace_farthest(similarities, candidates, last, similarity, candidate);
  }
}

}  // namespace circle::cpu::CIRCLE_VARIANT
