// The similarity matrix itself: K1's tile, written out instead of summed up. Bound by its writes where dim is small, by
// the product where it is not. Retrieval makes its panels here too, so that what is equal in the matrix is equal there.
#include "cuda/product.cuh"

namespace circle::cuda {
namespace {

// blockIdx.x: block of anchors (columns), blockIdx.y: block of the panel's candidates (rows).
template <Core core>
__global__ void __launch_bounds__(Tiling::kThreads, 1)
    similarity_kernel(Panel panel, const CandidateRange* wanted, float* out, int64_t out_stride, int stages) {
  const int64_t first_row = int64_t{kTile} * blockIdx.y, first_column = int64_t{kTile} * blockIdx.x;
  const int64_t first_candidate = panel.first_row + first_row;
  if (wanted != nullptr) {
    const CandidateRange range = wanted[blockIdx.x];
    if (range.begin >= first_candidate + kTile || range.end <= first_candidate) return;
  }
  // Of two mirror images one is computed, whoever needs it, because kExact's bits depend on which operand is the left one.
  const bool swapped = panel.symmetric && first_candidate > first_column;
  const bool diagonal = panel.symmetric && first_candidate == first_column;

  Fragment s;
  if (swapped)
    similarities<core>(s, panel.columns, first_column, panel.rows, first_row, stages);
  else
    similarities<core>(s, panel.rows, first_row, panel.columns, first_column, stages);

  const Position at;
  const auto write = [&](int64_t candidate, int64_t anchor, float value) {
    if (candidate >= panel.rows.rows || anchor >= panel.columns.rows) return;
    // Rounding carries cosines beyond 1; NaN stays.
    if (panel.unit) value = value > 1 ? 1 : value < -1 ? -1 : value;
    out[anchor * out_stride + candidate] = value;
  };
#pragma unroll
  for (int c = 0; c < Fragment::kColumns; ++c)
#pragma unroll
    for (int r = 0; r < Fragment::kRows; ++r) {
      const int row = at.row(r), column = at.column(c);
      if (diagonal && row > column) continue;
      if (swapped)
        write(first_row + column, first_column + row, s.at(r, c));
      else
        write(first_row + row, first_column + column, s.at(r, c));
      if (diagonal && row < column) write(first_row + column, first_column + row, s.at(r, c));
    }
}

}  // namespace

cudaError_t similarity_matrix(Core core, const Panel& panel, const CandidateRange* wanted, float* out,
                              int64_t out_stride, cudaStream_t stream) {
  return with_core(core, [&](auto constant) {
    constexpr Core kCore = decltype(constant)::value;
    const Stages stages = stages_for_device<kCore>(0);
    const dim3 grid(static_cast<unsigned>(blocks_of(panel.columns.rows, kTile)),
                    static_cast<unsigned>(blocks_of(panel.rows.rows, kTile)));
    return launch({grid, Tiling::kThreads, stages.shared_bytes, stream}, similarity_kernel<kCore>, panel, wanted, out,
                  out_stride, stages.count);
  });
}

}  // namespace circle::cuda
