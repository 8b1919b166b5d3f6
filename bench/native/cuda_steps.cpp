// Where the time of one pair-wise call goes on the GPU: each kernel alone, everything in device memory, timed by events on
// the stream; one panel. For tuning kernels; the comparison with others is `npm run bench:cuda`.
//
// usage: cuda_steps [exact|fast|ffma] [anchors] [dim]
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "cuda/kernels.h"

using namespace circle;
using namespace circle::cuda;

namespace {

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "cuda_steps: %s\n", cudaGetErrorString(error));
  std::exit(1);
}

template <class T>
T* allocate(int64_t count) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, static_cast<size_t>(count) * sizeof(T)));
  return static_cast<T*>(memory);
}

template <class T>
T* upload(const std::vector<T>& values) {
  T* const memory = allocate<T>(static_cast<int64_t>(values.size()));
  check(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return memory;
}

Operand operand(Core core, int64_t rows, int64_t columns) {
  const int32_t stride = stride_for(core, columns);
  const int64_t plane_bytes = core == Core::kFfma ? 4 : 2;
  Operand result{allocate<char>(rows * stride * plane_bytes), nullptr, rows, static_cast<int32_t>(columns), stride};
  if (core == Core::kExact) result.low = allocate<char>(rows * stride * plane_bytes);
  return result;
}

class Clock {
 public:
  explicit Clock(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&begin_));
    check(cudaEventCreate(&end_));
  }

  // Prints the median of some runs.
  template <class Step>
  void time(const char* name, double flops, const Step& step) {
    check(step());
    check(cudaStreamSynchronize(stream_));
    std::vector<float> samples(11);
    for (float& sample : samples) {
      check(cudaEventRecord(begin_, stream_));
      check(step());
      check(cudaEventRecord(end_, stream_));
      check(cudaEventSynchronize(end_));
      check(cudaEventElapsedTime(&sample, begin_, end_));
    }
    std::sort(samples.begin(), samples.end());
    const float median = samples[samples.size() / 2];
    total_ += median;
    std::printf("%-22s %9.4f ms (%.4f to %.4f)", name, median, samples.front(), samples.back());
    if (flops > 0) std::printf("  %8.1f TFLOP/s of products of floats", flops / median / 1e9);
    std::printf("\n");
  }

  float total() const { return total_; }

 private:
  cudaStream_t stream_;
  cudaEvent_t begin_, end_;
  float total_ = 0;
};

Core core_of(const char* name) {
  if (std::strcmp(name, "fast") == 0) return Core::kFast;
  return std::strcmp(name, "ffma") == 0 ? Core::kFfma : Core::kExact;
}

}  // namespace

int main(int count, char** arguments) {
  const Core core = core_of(count > 1 ? arguments[1] : "exact");
  const int64_t anchors = count > 2 ? std::atoll(arguments[2]) : 8192;
  const int32_t dim = count > 3 ? std::atoi(arguments[3]) : 512;

  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> embeddings(static_cast<size_t>(anchors * dim));
  for (float& x : embeddings) x = normal(random);
  std::vector<int32_t> labels(static_cast<size_t>(anchors));
  for (int64_t i = 0; i < anchors; ++i) labels[static_cast<size_t>(i)] = static_cast<int32_t>(i / 4);

  const PairLoss loss = CircleLoss::make(80, {1.4, 0.6}, {-0.4, 0.4}, CircleDerivative::kDetached);
  const int64_t blocks = (anchors + kTile - 1) / kTile;
  const float* const rows = upload(embeddings);
  const int32_t* const row_labels = upload(labels);
  Scalars* const scalars = allocate<Scalars>(1);
  RowScale* const scales = allocate<RowScale>(anchors);
  const Operand packed = operand(core, anchors, dim), weights = operand(core, anchors, anchors);
  TilePartials* const column_partials = allocate<TilePartials>(blocks * anchors);
  TilePartials* const row_partials = allocate<TilePartials>(blocks * anchors);
  AnchorStatistics* const statistics = allocate<AnchorStatistics>(anchors);
  AnchorLoss* const losses = allocate<AnchorLoss>(anchors);
  float* const anchor_losses = allocate<float>(anchors);
  AnchorTerms* const terms = allocate<AnchorTerms>(anchors);
  const int32_t sum_stride = (dim + 3) / 4 * 4;
  float* const sums = allocate<float>(anchors * sum_stride);
  float* const gradient = allocate<float>(anchors * dim);
  const Panel panel{packed, packed, row_labels, row_labels, 0, true, true};
  const Product product{weights, packed, Along::kRows, Start::kFresh, 0, 1, sums, anchors * sum_stride, sum_stride};

  cudaStream_t stream;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  const double half_product = static_cast<double>(anchors) * static_cast<double>(anchors) * dim;
  Clock clock(stream);
  check(reset_scalars(scalars, stream));
  clock.time("pack", 0, [&] {
    return pack_rows(core, {rows, nullptr, 0, anchors, dim}, Normalize::kL2, scales, packed, InputArray::kAnchors, scalars,
                     stream);
  });
  clock.time("statistics", half_product,
             [&] { return tile_statistics(core, loss, panel, column_partials, row_partials, stream); });
  clock.time("fold", 0, [&] {
    check(reset_statistics(statistics, anchors, stream));
    return fold_statistics(loss, panel, column_partials, row_partials, statistics, stream);
  });
  clock.time("losses, terms", 0, [&] {
    check(compute_losses(loss, statistics, anchors, 1, nullptr, losses, anchor_losses, scalars, stream));
    check(reduce_losses(core, loss, losses, anchors, Reduction::kMean, 1, false, scalars, stream));
    return compute_terms(statistics, losses, nullptr, anchors, false, scalars, terms, stream);
  });
  clock.time("weights", half_product,
             [&] { return pair_weights(core, loss, panel, terms, statistics, weights, stream); });
  clock.time("weights x rows", 2 * half_product, [&] { return multiply(core, product, stream); });
  clock.time("unpack", 0, [&] {
    return unpack_gradient(core, {sums, 1, product.slice}, {}, sum_stride, {rows, nullptr, 0, anchors, dim}, scales, scalars,
                           gradient, stream);
  });
  Scalars result;
  check(cudaStreamSynchronize(stream));
  check(cudaMemcpy(&result, scalars, sizeof result, cudaMemcpyDeviceToHost));
  std::printf("%-22s %9.4f ms, loss %.6f\n", "all", clock.total(), result.loss);
}
