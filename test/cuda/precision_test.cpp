// How precise the three cores are, on the emulated tensor cores, which truncate where they add.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "cuda/launch.cuh"
#include "cuda/product.cuh"
#include "test/cuda/device_array.h"
#include "test/native/samples.h"

namespace circle::cuda {
namespace {

// Rows whose coordinates all have one sign: their similarities are near 3/4, and every truncation takes from them.
std::vector<float> rows_of_one_sign(int64_t count, int64_t dim) {
  Random random(3);
  std::vector<float> rows = random.numbers(count * dim);
  for (float& x : rows) x = std::fabs(x);
  return rows;
}

std::vector<double> exact_similarities(const std::vector<float>& rows, int64_t count, int64_t dim) {
  std::vector<double> unit(rows.begin(), rows.end()), out;
  for (int64_t i = 0; i < count; ++i) {
    double square = 0;
    for (int64_t d = 0; d < dim; ++d) square += unit[i * dim + d] * unit[i * dim + d];
    for (int64_t d = 0; d < dim; ++d) unit[i * dim + d] /= std::sqrt(square);
  }
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < count; ++j) {
      double s = 0;
      for (int64_t d = 0; d < dim; ++d) s += unit[i * dim + d] * unit[j * dim + d];
      out.push_back(s);
    }
  return out;
}

// The kExact loop as it would be without the drain: all products summed inside the tensor cores.
void undrained_kernel(Operand rows, float* out) {
  using Loop = TensorCore<Core::kExact>;
  const Source source = rows_from(rows, 2, 0);
  uint16_t* const stage = reinterpret_cast<uint16_t*>(shared_memory());
  const Position at;
  Fragment sums, small;
  for (int step = 0; step < rows.columns; step += kSlabSteps) {
    Loop::copy_slab<Lies::kItems, Lies::kItems>(stage, source, source, step);
    commit_copies();
    wait_for_copies<0>();
    barrier();
    for (int k = 0; k < kSlabSteps; k += 16) {
      Loop::Left high, low;
      Loop::Right other_high, other_low;
      Loop::load<Lies::kItems>(high, stage, k, at);
      Loop::load<Lies::kItems>(low, stage + kSlabHalves, k, at);
      Loop::load<Lies::kItems>(other_high, stage + 2 * kSlabHalves, k, at);
      Loop::load<Lies::kItems>(other_low, stage + 3 * kSlabHalves, k, at);
      Loop::add_products(sums, high, other_high);
      Loop::add_products(small, high, other_low);
      Loop::add_products(small, low, other_high);
    }
    barrier();
  }
  for (int r = 0; r < Fragment::kRows; ++r)
    for (int c = 0; c < Fragment::kColumns; ++c)
      if (at.row(r) < rows.rows && at.column(c) < rows.rows)
        out[at.row(r) * rows.rows + at.column(c)] =
            (sums.at(r, c) + small.at(r, c) / kLowScale) * Multiplier<Core::kExact>::kSimilarityScale;
}

struct Similarities {
  static constexpr int64_t kCount = 16;
  int64_t dim;
  std::vector<float> rows = rows_of_one_sign(kCount, dim);
  std::vector<double> exact = exact_similarities(rows, kCount, dim);

  using Compute = std::function<cudaError_t(const Operand&, float*)>;

  // Root mean square of the errors of what `compute` makes of the packed rows.
  double error(Core core, const Compute& compute) const {
    const DeviceArray<float> given(rows), out(kCount * kCount);
    const DeviceArray<RowScale> scales(kCount);
    const DeviceArray<Scalars> scalars(1);
    const DeviceOperand packed(core, kCount, dim);
    REQUIRE(reset_scalars(scalars.data(), nullptr) == cudaSuccess);
    REQUIRE(pack_rows(core, {given.data(), nullptr, 0, kCount, static_cast<int32_t>(dim)}, Normalize::kL2,
                      scales.data(), packed.operand(), InputArray::kAnchors, scalars.data(), nullptr) == cudaSuccess);
    REQUIRE(compute(packed.operand(), out.data()) == cudaSuccess);
    const std::vector<float> found = out.read();
    double square = 0;
    for (size_t i = 0; i < exact.size(); ++i) square += (found[i] - exact[i]) * (found[i] - exact[i]);
    return std::sqrt(square / static_cast<double>(exact.size()));
  }

  double error(Core core) const {
    return error(core, [&](const Operand& packed, float* out) {
      const Panel panel{packed, packed, nullptr, nullptr, 0, true, true};
      return similarity_matrix(core, panel, nullptr, out, kCount, nullptr);
    });
  }
};

// What float32 itself does: every coordinate rounded once, and a chain of dim additions, each off by at most half a unit of
// a sum that grows to s < 1; of random signs, √dim of them.
double float_bound(int64_t dim) {
  return std::sqrt(static_cast<double>(dim) / 3) * kRounding;
}

TEST_CASE("exact similarities are as good as float32's, in any dimension") {
  for (const int64_t dim : {7, 64, 512, 4096}) {
    const Similarities similarities{dim};
    INFO(dim);
    CHECK(similarities.error(Core::kExact) <= 6 * kRounding + float_bound(dim));
    CHECK(similarities.error(Core::kFfma) <= 6 * kRounding + float_bound(dim));
  }
}

TEST_CASE("without the drain, truncation spoils them") {
  const Similarities similarities{4096};
  const double undrained = similarities.error(Core::kExact, [](const Operand& packed, float* out) {
    return launch({dim3(1), Tiling::kThreads, Multiplier<Core::kExact>::kStageBytes, nullptr}, undrained_kernel, packed,
                  out);
  });
  CHECK(undrained > 6 * kRounding + float_bound(4096));
  CHECK(undrained > 8 * similarities.error(Core::kExact));
}

TEST_CASE("fast similarities have the rounding of one half a coordinate") {
  for (const int64_t dim : {64, 512}) {
    const Similarities similarities{dim};
    // A coordinate is off by at most 2⁻¹¹ of itself, evenly spread: 2⁻¹¹ / √3 each; s is a sum of dim products of two.
    const double spread = 0x1p-11 / std::sqrt(3.0) * std::sqrt(2.0 / static_cast<double>(dim));
    const double found = similarities.error(Core::kFast);
    INFO(dim);
    CHECK(found <= 2 * spread);
    CHECK(found > spread / 8);
  }
}

}  // namespace
}  // namespace circle::cuda
