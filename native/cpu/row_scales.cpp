#include "native/cpu/row_scales.h"

#include <cmath>

namespace circle::cpu {
namespace {

// x / max(‖x‖, 1e-12): shorter rows are scaled by a constant.
constexpr double kShortestNorm = 1e-12;

RowScale scale_of(double inverse, float projects) {
  const float rounded = static_cast<float>(inverse);
  return {rounded, static_cast<float>(inverse - rounded), projects};
}

}  // namespace

int64_t scale_rows(const double* squares, int64_t count, Normalize normalize, RowScale* scales) {
  int64_t first_bad = -1;
  for (int64_t row = 0; row < count; ++row) {
    const double norm = std::sqrt(squares[row]);
    if (!(norm - norm == 0) && first_bad < 0) first_bad = row;
    if (normalize == Normalize::kNo)
      scales[row] = {1, 0, 0};
    else if (norm <= kShortestNorm)
      scales[row] = scale_of(1 / kShortestNorm, 0);
    else
      scales[row] = scale_of(1 / norm, 1);
  }
  return first_bad;
}

}  // namespace circle::cpu
