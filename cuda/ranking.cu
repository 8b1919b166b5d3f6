// Ranks: the similarities of each anchor's own run, and by how many others each of them is reached. Sorted thresholds
// t₀ ≤ t₁ ≤ … cut the line into intervals: a number adds one to its interval, and what reaches tᵢ is the sum of the
// intervals from i on. Counts are integers, so that the order in which threads arrive changes nothing.
//
// A block an anchor. Counting reads a row of the panel once, 4 bytes a pair, and compares each number with t₀, which rejects
// all others of a trained embedding but the hard ones; for the rest it looks for the interval in shared memory, log₂ of
// the run's length steps, and counts there. The panel's reading bounds it, and beside the product that made the panel it is
// little. Thresholds are read, and intervals read and written, once a panel, 12 bytes for each of a run: more than
// the row itself only where an own run is longer than a third of a panel. Runs of more than 2,048, too long for
// shared memory, come in several parts, and the row is read for each.
//
// Everything else runs once a call: offsets, in one block, some microseconds for each 128 anchors; the sort, in global
// memory, log² n / 4 reads and writes of a run of n; and the sums, 16 bytes and a search for each of a run.
#include "cuda/block.cuh"

namespace circle::cuda {
namespace {

// The own run of one anchor.
struct OwnRun {
  int32_t first, end;
  int64_t offset;

  CIRCLE_DEVICE OwnRun(const OwnRuns& runs, int64_t anchor)
      : first(runs.first[anchor]), end(runs.end[anchor]), offset(runs.offsets[anchor]) {}
  CIRCLE_DEVICE int64_t size() const { return int64_t{end} - first; }
};

// One block for all, kTile anchors at a time.
__global__ void __launch_bounds__(kTile) lay_out_kernel(OwnRuns runs, CandidateRange* hulls) {
  int64_t* const sums = reinterpret_cast<int64_t*>(shared_memory());
  CandidateRange* const hull = reinterpret_cast<CandidateRange*>(sums + kTile);
  int64_t before = 0;
  for (int64_t block = 0; block * kTile < runs.anchors; ++block) {
    const int64_t anchor = block * kTile + thread_of_block();
    const bool exists = anchor < runs.anchors;
    const int32_t first = exists ? runs.first[anchor] : 0, end = exists ? runs.end[anchor] : 0;
    if (thread_of_block() == 0) *hull = {INT32_MAX, 0};
    const int64_t length = int64_t{end} - first;
    const int64_t up_to = before + sum_up_to_thread(length, sums);
    if (exists) runs.offsets[anchor] = up_to - length;
    if (length > 0) {
      atomic_min(&hull->begin, first);
      atomic_max(&hull->end, end);
    }
    barrier();
    before += sums[kTile - 1];
    if (thread_of_block() == 0) hulls[block] = *hull;
    barrier();
  }
}

__global__ void __launch_bounds__(kMostThreads)
    record_kernel(SimilarityPanel panel, OwnRuns runs, float* similarities, float* thresholds) {
  const int64_t anchor = blockIdx.x;
  const OwnRun own(runs, anchor);
  const float* const row = panel.values + anchor * panel.count;
  const int64_t from = own.first > panel.first ? own.first : panel.first;
  const int64_t panel_end = int64_t{panel.first} + panel.count;
  const int64_t end = own.end < panel_end ? own.end : panel_end;
  for (int64_t candidate = from + thread_of_block(); candidate < end; candidate += threads_of_block()) {
    const int64_t to = own.offset + candidate - own.first;
    similarities[to] = thresholds[to] = row[candidate - panel.first];
  }
}

__global__ void __launch_bounds__(kMostThreads) sort_kernel(OwnRuns runs, float* thresholds, int32_t* intervals) {
  const OwnRun own(runs, blockIdx.x);
  float* const run = thresholds + own.offset;
  for (int64_t i = thread_of_block(); i < own.size(); i += threads_of_block()) intervals[own.offset + i] = 0;
  sort_by_block(
      own.size(), [&](int64_t a, int64_t b) { return run[b] < run[a]; },
      [&](int64_t a, int64_t b) {
        const float x = run[a];
        run[a] = run[b];
        run[b] = x;
      });
}

// Equal numbers in a row, added at once: of few thresholds one interval has most of the numbers, and threads would wait
// for each other there.
class Tally {
 public:
  CIRCLE_DEVICE explicit Tally(int32_t* counts) : counts_(counts) {}

  CIRCLE_DEVICE void add(int32_t interval) {
    if (interval != interval_) {
      flush();
      interval_ = interval;
    }
    ++more_;
  }
  CIRCLE_DEVICE void flush() {
    if (more_ > 0) atomic_add(counts_ + interval_, more_);
    more_ = 0;
  }

 private:
  int32_t* const counts_;
  int32_t interval_ = 0, more_ = 0;
};

// Of one part of a run: counts[i] is how many others of the row reach thresholds[i] and not the next one; `beyond` is the
// threshold after the last, or NaN, which nothing reaches.
CIRCLE_DEVICE void count_row(const SimilarityPanel& panel, int64_t anchor, const OwnRun& own, const float* thresholds,
                             int held, float beyond, int32_t* counts) {
  const float* const row = panel.values + anchor * panel.count;
  const float least = thresholds[0];
  Tally tally(counts);
  for (int32_t first = 0; first < panel.count; first += kEach * threads_of_block()) {
    float values[kEach];
    load_chunk(values, row, panel.count, first);
#pragma unroll
    for (int e = 0; e < kEach; ++e) {
      const float value = values[e];
      const int32_t candidate = panel.first + place_in_row(first, e);
      if (!(value >= least) || value >= beyond || (candidate >= own.first && candidate < own.end)) continue;
      tally.add(count_first(held, [&](int i) { return value >= thresholds[i]; }) - 1);
    }
  }
  tally.flush();
}

__global__ void __launch_bounds__(kMostThreads)
    count_kernel(SimilarityPanel panel, OwnRuns runs, const float* thresholds, int32_t* intervals) {
  const int64_t anchor = blockIdx.x;
  const OwnRun own(runs, anchor);
  const int64_t most = kEach * threads_of_block();
  float* const held_thresholds = reinterpret_cast<float*>(shared_memory());
  int32_t* const counts = reinterpret_cast<int32_t*>(held_thresholds + most);
  // Nothing of the panel is anybody else's.
  if (own.first <= panel.first && own.end >= int64_t{panel.first} + panel.count) return;
  for (int64_t part = 0; part < own.size(); part += most) {
    const float* const run = thresholds + own.offset + part;
    const int64_t left = own.size() - part;
    const int held = static_cast<int>(left < most ? left : most);
    for (int i = thread_of_block(); i < held; i += threads_of_block()) {
      held_thresholds[i] = run[i];
      counts[i] = 0;
    }
    barrier();
    count_row(panel, anchor, own, held_thresholds, held, left > most ? run[most] : NAN, counts);
    barrier();
    for (int i = thread_of_block(); i < held; i += threads_of_block()) intervals[own.offset + part + i] += counts[i];
    barrier();
  }
}

__global__ void __launch_bounds__(kMostThreads)
    add_up_kernel(OwnRuns runs, const float* similarities, const float* thresholds, int32_t* intervals,
                  int32_t* reached_by) {
  const OwnRun own(runs, blockIdx.x);
  int32_t* const scratch = reinterpret_cast<int32_t*>(shared_memory());
  int32_t* const reached = intervals + own.offset;
  int32_t behind = 0;
  for (int64_t end = own.size(); end > 0; end -= threads_of_block()) {
    const int64_t i = end - 1 - thread_of_block();
    const int32_t sum = sum_up_to_thread(i >= 0 ? reached[i] : 0, scratch);
    if (i >= 0) reached[i] = sum + behind;
    behind += scratch[threads_of_block() - 1];
    barrier();
  }
  for (int64_t i = thread_of_block(); i < own.size(); i += threads_of_block()) {
    const float similarity = similarities[own.offset + i];
    // The first of equal thresholds: nobody is in the intervals between them.
    const int64_t place = count_first(own.size(), [&](int64_t t) { return thresholds[own.offset + t] < similarity; });
    reached_by[own.offset + i] = place < own.size() ? reached[place] : 0;
  }
}

Launch for_anchors(int64_t anchors, int threads, int shared_bytes, cudaStream_t stream) {
  return {dim3(static_cast<unsigned>(anchors)), threads, shared_bytes, stream};
}

}  // namespace

cudaError_t lay_out_runs(const OwnRuns& runs, CandidateRange* hulls, cudaStream_t stream) {
  constexpr int kBytes = kTile * static_cast<int>(sizeof(int64_t)) + static_cast<int>(sizeof(CandidateRange));
  return launch({dim3(1), kTile, kBytes, stream}, lay_out_kernel, runs, hulls);
}

cudaError_t record_own(const SimilarityPanel& panel, const OwnRuns& runs, float* similarities, float* thresholds,
                       cudaStream_t stream) {
  return launch(for_anchors(runs.anchors, threads_for(runs.longest, kEach), 0, stream), record_kernel, panel, runs,
                similarities, thresholds);
}

cudaError_t sort_thresholds(const OwnRuns& runs, float* thresholds, int32_t* intervals, cudaStream_t stream) {
  // A comparator has two places.
  return launch(for_anchors(runs.anchors, threads_for(runs.longest, 2), 0, stream), sort_kernel, runs, thresholds,
                intervals);
}

cudaError_t count_reached(const SimilarityPanel& panel, const OwnRuns& runs, const float* thresholds,
                          int32_t* intervals, cudaStream_t stream) {
  // Thresholds take long where they are more than the row.
  const int threads = threads_for(panel.count > runs.longest ? panel.count : runs.longest, kEach);
  constexpr int kBytes = kEach * static_cast<int>(sizeof(float) + sizeof(int32_t));  // of a thread
  return launch(for_anchors(runs.anchors, threads, threads * kBytes, stream), count_kernel, panel, runs, thresholds,
                intervals);
}

cudaError_t add_up_reached(const OwnRuns& runs, const float* similarities, const float* thresholds, int32_t* intervals,
                           int32_t* reached_by, cudaStream_t stream) {
  const int threads = threads_for(runs.longest, kEach);
  return launch(for_anchors(runs.anchors, threads, threads * static_cast<int>(sizeof(int32_t)), stream), add_up_kernel,
                runs, similarities, thresholds, intervals, reached_by);
}

}  // namespace circle::cuda
