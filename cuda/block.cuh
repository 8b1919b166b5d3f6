// What the threads of a block do together with a row of numbers: read it, sort, sum up. A block has a row to itself, and
// more threads where the row is longer; what comes out does not depend on how many.
#pragma once

#include <cmath>

#include "cuda/dispatch.h"
#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"

namespace circle::cuda {

// Numbers that a thread reads at once, so that their loads are under way together.
constexpr int kEach = 8;
constexpr int kMostThreads = 256;

// Threads for rows of `count` numbers of which each thread has `each`: whole warps. A short row's barriers cost little
// then, and many short rows share a multiprocessor.
inline int threads_for(int64_t count, int each) {
  const int64_t warps = blocks_of(count, int64_t{32} * each);
  return 32 * static_cast<int>(warps < 1 ? 1 : warps > kMostThreads / 32 ? kMostThreads / 32 : warps);
}

CIRCLE_DEVICE int thread_of_block() {
  return static_cast<int>(threadIdx.x);
}
CIRCLE_DEVICE int threads_of_block() {
  return static_cast<int>(blockDim.x);
}

// A chunk is kEach numbers of every thread. Number `e` of this thread in the chunk that begins at `first`.
CIRCLE_DEVICE int32_t place_in_row(int32_t first, int e) {
  return first + e * threads_of_block() + thread_of_block();
}
// Beyond the row: NaN, which no comparison lets pass.
CIRCLE_DEVICE void load_chunk(float (&values)[kEach], const float* row, int32_t count, int32_t first) {
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    const int32_t place = place_in_row(first, e);
    values[e] = place < count ? row[place] : NAN;
  }
}

// For how many i < count comes(i) is true, where it is so up to some i and for none after it.
template <class Count, class Comes>
CIRCLE_DEVICE Count count_first(Count count, const Comes& comes) {
  Count first = 0;
  while (count > 0) {
    const Count half = count / 2;
    const bool further = comes(first + half);
    first = further ? first + half + 1 : first;
    count = further ? count - half - 1 : half;
  }
  return first;
}

// Sorts items [0, count): where comes_before(b, a) for places a < b, exchange(a, b) is called. Bitonic, with comparators that
// all point the same way, so that a count need not be a power of two: beyond it lies what comes last, which never
// moves. Some count · log² count / 2 comparisons; all threads call, and what they find was written before, what they
// leave can be read after.
template <class Out, class Exchange>
CIRCLE_DEVICE void sort_by_block(int64_t count, const Out& out_of_order, const Exchange& exchange) {
  barrier();
  for (int64_t size = 2; size / 2 < count; size *= 2) {
    const int64_t pairs = (count + size - 1) / size * (size / 2);
    for (int64_t half = size / 2; half > 0; half /= 2) {
      for (int64_t pair = thread_of_block(); pair < pairs; pair += threads_of_block()) {
        const int64_t within = pair & (half - 1), from = 2 * (pair - within);
        const int64_t a = from + within;
        // Two sorted halves: the second backwards. Then each with the one half a block away.
        const int64_t b = half == size / 2 ? from + size - 1 - within : a + half;
        if (b < count && out_of_order(a, b)) exchange(a, b);
      }
      barrier();
    }
  }
}

// The sum of what this thread gives and all threads before it. `scratch`: a number for each thread, free again after
// a barrier; the last one is the sum of all.
template <class Number>
CIRCLE_DEVICE Number sum_up_to_thread(Number x, Number* scratch) {
  const int own = thread_of_block();
  scratch[own] = x;
  barrier();
  for (int distance = 1; distance < threads_of_block(); distance *= 2) {
    const Number before = own >= distance ? scratch[own - distance] : 0;
    barrier();
    x += before;
    scratch[own] = x;
    barrier();
  }
  return x;
}

}  // namespace circle::cuda
