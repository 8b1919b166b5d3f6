// The nearest candidates: each anchor has a list of k in global memory, nearest first, which takes in one panel of
// similarities after the other. The order is total, similarity descending and then candidate ascending, so that the list is
// the same however panels are cut and threads take turns.
//
// A block an anchor. It reads its row of the panel once, 4 bytes a pair, and compares each number with the list's last: all
// but a few are rejected there, by some k · ln(candidates / k) in all for candidates in random order. What passes of a chunk
// (8 numbers a thread, 1 while a short list fills) is sorted in shared memory and merged into the list, which costs the part of the list behind the
// first newcomer, 16 bytes a place. The panel's reading bounds it, from L2 where panels fit there; next to the product that
// made the panel it is little from a dim of some dozens on. Where anchors are so many that a panel has few candidates, and
// k is some thousands, the merges do.
#include "cuda/block.cuh"

namespace circle::cuda {
namespace {

constexpr int kThreads = 256;  // of kernels with a thread a number
constexpr int32_t kNobody = INT32_MAX;

CIRCLE_DEVICE int64_t thread_number() {
  return int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

Launch for_each(int64_t count, cudaStream_t stream) {
  return {dim3(static_cast<unsigned>(blocks_of(count, kThreads))), kThreads, 0, stream};
}

struct Neighbour {
  float similarity;
  int32_t candidate;

  CIRCLE_DEVICE bool is_nearer_than(const Neighbour& other) const {
    return similarity > other.similarity || (similarity == other.similarity && candidate < other.candidate);
  }
};

// Neighbours in memory, similarities and candidates apart.
struct Neighbours {
  float* similarities;
  int32_t* candidates;

  CIRCLE_DEVICE Neighbour at(int64_t i) const { return {similarities[i], candidates[i]}; }
  CIRCLE_DEVICE void put(int64_t i, const Neighbour& one) const {
    similarities[i] = one.similarity;
    candidates[i] = one.candidate;
  }
  // Of the first `count`, which are sorted.
  template <class Count>
  CIRCLE_DEVICE Count count_nearer(Count count, const Neighbour& than) const {
    return count_first(count, [&](Count i) { return at(i).is_nearer_than(than); });
  }
};

// In shared memory: what passed of a chunk, and how many of the list are before each of it. All of a chunk may.
struct Newcomers {
  Neighbours neighbours;
  int32_t* ahead;
  int32_t* count;

  static constexpr int bytes(int threads) { return threads * kEach * 12 + 4; }

  CIRCLE_DEVICE Newcomers() {
    const int most = threads_of_block() * kEach;
    float* const memory = reinterpret_cast<float*>(shared_memory());
    neighbours = {memory, reinterpret_cast<int32_t*>(memory + most)};
    ahead = neighbours.candidates + most;
    count = ahead + most;
  }
};

CIRCLE_DEVICE void sort_newcomers(const Neighbours& newcomers, int count) {
  sort_by_block(
      count, [&](int64_t a, int64_t b) { return newcomers.at(b).is_nearer_than(newcomers.at(a)); },
      [&](int64_t a, int64_t b) {
        const Neighbour one = newcomers.at(a);
        newcomers.put(a, newcomers.at(b));
        newcomers.put(b, one);
      });
}

// `list` has k, sorted, and takes in sorted newcomers; what comes behind k is lost. All threads call, behind a barrier.
CIRCLE_DEVICE void merge(const Neighbours& list, int64_t k, const Newcomers& newcomers, int count) {
  const Neighbours& fresh = newcomers.neighbours;
  for (int i = thread_of_block(); i < count; i += threads_of_block())
    newcomers.ahead[i] = static_cast<int32_t>(list.count_nearer(k, fresh.at(i)));
  barrier();
  // The list makes room from its end on: who moves goes behind all that is still to be read. Before the first newcomer
  // nobody moves.
  const int64_t first = newcomers.ahead[0];
  for (int64_t end = k; end > first; end -= threads_of_block()) {
    const int64_t from = end - 1 - thread_of_block();
    Neighbour moving{};
    int64_t to = k;
    if (from >= first) {
      moving = list.at(from);
      to = from + fresh.count_nearer(count, moving);
    }
    barrier();
    if (to < k) list.put(to, moving);
  }
  for (int i = thread_of_block(); i < count; i += threads_of_block())
    if (newcomers.ahead[i] + int64_t{i} < k) list.put(newcomers.ahead[i] + int64_t{i}, fresh.at(i));
  barrier();
}

__global__ void __launch_bounds__(kMostThreads) keep_kernel(SimilarityPanel panel, NearestLists lists) {
  const int64_t anchor = blockIdx.x;
  const float* const row = panel.values + anchor * panel.count;
  const int64_t itself = panel.symmetric ? anchor - panel.first : -1;
  const Neighbours list{lists.similarities + anchor * lists.k, lists.candidates + anchor * lists.k};
  const Newcomers newcomers;
  Neighbour last = list.at(lists.k - 1);
  if (thread_of_block() == 0) *newcomers.count = 0;
  barrier();
  for (int32_t first = 0; first < panel.count;) {
    // Until a list has found k, everything passes: of short lists a smaller part is enough for that.
    const bool is_filling = last.candidate == kNobody && lists.k <= threads_of_block();
    const int32_t beyond = first + (is_filling ? 1 : kEach) * threads_of_block();
    float values[kEach];
    load_chunk(values, row, beyond < panel.count ? beyond : panel.count, first);
#pragma unroll
    for (int e = 0; e < kEach; ++e) {
      const int32_t place = place_in_row(first, e);
      const Neighbour one{values[e], panel.first + place};
      if (one.is_nearer_than(last) && place != itself)
        newcomers.neighbours.put(atomic_add(newcomers.count, 1), one);  // in any order: they are sorted
    }
    first = beyond;
    barrier();
    const int count = *newcomers.count;
    barrier();
    if (count == 0) continue;
    if (thread_of_block() == 0) *newcomers.count = 0;
    sort_newcomers(newcomers.neighbours, count);
    merge(list, lists.k, newcomers, count);
    last = list.at(lists.k - 1);
  }
}

__global__ void reset_kernel(NearestLists lists, int64_t count) {
  const int64_t i = thread_number();
  if (i >= count) return;
  lists.similarities[i] = -INFINITY;
  lists.candidates[i] = kNobody;
}

__global__ void flag_kernel(const float* values, int64_t count, Scalars* scalars) {
  const int64_t i = thread_number();
  const bool is_infinite = i < count && !(values[i] - values[i] == 0);
  if (any_lane(is_infinite) && threadIdx.x % 32 == 0) atomic_max(&scalars->overflows, 1);
}

}  // namespace

cudaError_t reset_nearest(const NearestLists& lists, int64_t anchors, cudaStream_t stream) {
  return launch(for_each(anchors * lists.k, stream), reset_kernel, lists, anchors * lists.k);
}

cudaError_t keep_nearest(const SimilarityPanel& panel, const NearestLists& lists, cudaStream_t stream) {
  // A list that is longer than the row is what takes long.
  const int threads = threads_for(panel.count > lists.k ? panel.count : lists.k, kEach);
  return launch({dim3(static_cast<unsigned>(panel.anchors)), threads, Newcomers::bytes(threads), stream}, keep_kernel,
                panel, lists);
}

cudaError_t flag_infinite(const float* values, int64_t count, Scalars* scalars, cudaStream_t stream) {
  return launch(for_each(count, stream), flag_kernel, values, count, scalars);
}

}  // namespace circle::cuda
