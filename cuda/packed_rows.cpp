#include "cuda/packed_rows.h"

namespace circle::cuda {
namespace {

constexpr int64_t kFloat = sizeof(float), kScale = sizeof(RowScale);

// Bytes of an element in one plane.
int64_t plane_bytes(Core core) {
  return core == Core::kFfma ? 4 : 2;
}

Operand from_row(Core core, const Operand& all, Range range) {
  const int64_t skipped = range.begin * all.stride * plane_bytes(core);
  const auto skip = [&](void* plane) -> void* { return plane ? static_cast<char*>(plane) + skipped : nullptr; };
  return {skip(all.high), skip(all.low), range.size(), all.columns, all.stride};
}

}  // namespace

cudaError_t PackedRows::reserve() {
  CIRCLE_TRY(workspace_.anchors.reserve(plan_.anchors * plan_.dim * kFloat));
  CIRCLE_TRY(workspace_.anchor_scales.reserve(plan_.anchors * kScale));
  CIRCLE_TRY(workspace_.packed_anchors.reserve(plan_.packed_bytes(plan_.anchors)));
  CIRCLE_TRY(workspace_.reserve_scalars());
  if (rows_.candidate_rows)
    CIRCLE_TRY(workspace_.candidate_rows.reserve(plan_.candidates * static_cast<int64_t>(sizeof(int32_t))));
  if (candidates_travel()) CIRCLE_TRY(workspace_.candidates.reserve(plan_.candidates * plan_.dim * kFloat));
  return plan_.symmetric ? cudaSuccess : workspace_.candidate_scales.reserve(plan_.candidates * kScale);
}

cudaError_t PackedRows::upload_anchors() {
  if (rows_.candidate_rows)
    CIRCLE_TRY(workspace_.staging.upload(workspace_.candidate_rows.at(0), rows_.candidate_rows,
                                         plan_.candidates * static_cast<int64_t>(sizeof(int32_t)), workspace_.copies));
  CIRCLE_TRY(workspace_.staging.upload(workspace_.anchors.at(0), rows_.anchors, plan_.anchors * plan_.dim * kFloat,
                                       workspace_.copies));
  return order(workspace_.uploaded, workspace_.copies, workspace_.compute);
}

cudaError_t PackedRows::upload_candidates(Range range) {
  if (!candidates_travel()) return cudaSuccess;
  const int64_t first = range.begin * plan_.dim;
  CIRCLE_TRY(workspace_.staging.upload(workspace_.candidates.as<float>() + first, rows_.candidates + first,
                                       range.size() * plan_.dim * kFloat, workspace_.copies));
  return order(workspace_.uploaded, workspace_.copies, workspace_.compute);
}

cudaError_t PackedRows::pack(InputArray array, Range range, Operand packed) {
  const bool of_anchors = array == InputArray::kAnchors;
  return pack_rows(plan_.core, of_anchors ? given_anchors(range) : given_candidates(range), rows_.normalize,
                   of_anchors ? anchor_scales(range.begin) : candidate_scales(range.begin), packed, array,
                   workspace_.scalars.as<Scalars>(), workspace_.compute);
}

cudaError_t PackedRows::pack_anchors() {
  return pack(InputArray::kAnchors, {0, plan_.anchors}, anchors());
}

cudaError_t PackedRows::measure_candidates(Range range) {
  return plan_.symmetric ? cudaSuccess
                         : pack(InputArray::kCandidates, range,
                                {nullptr, nullptr, range.size(), static_cast<int32_t>(plan_.dim), plan_.row_stride});
}

cudaError_t PackedRows::pack_candidates(Range range, void* packed) {
  return plan_.symmetric ? cudaSuccess : pack(InputArray::kCandidates, range, operand(packed, range.size(), plan_.dim));
}

Panel PackedRows::panel(Range range, void* packed) const {
  Panel panel{};
  panel.rows = plan_.symmetric ? from_row(plan_.core, anchors(), range) : operand(packed, range.size(), plan_.dim);
  panel.columns = anchors();
  panel.first_row = static_cast<int32_t>(range.begin);
  panel.symmetric = plan_.symmetric;
  panel.unit = rows_.normalize == Normalize::kL2;
  return panel;
}

Operand PackedRows::operand(void* memory, int64_t rows, int64_t columns) const {
  const int32_t stride = stride_for(plan_.core, columns);
  // One plane after the other.
  void* const low =
      plan_.core == Core::kExact ? static_cast<char*>(memory) + rows * stride * plane_bytes(plan_.core) : nullptr;
  return {memory, low, rows, static_cast<int32_t>(columns), stride};
}

GivenRows PackedRows::given_anchors(Range range) const {
  return {workspace_.anchors.as<float>(), nullptr, range.begin, range.size(), static_cast<int32_t>(plan_.dim)};
}

GivenRows PackedRows::given_candidates(Range range) const {
  const float* const all = candidates_travel() ? workspace_.candidates.as<float>() : rows_.candidates;
  return {all, candidate_rows(), range.begin, range.size(), static_cast<int32_t>(plan_.dim)};
}

}  // namespace circle::cuda
