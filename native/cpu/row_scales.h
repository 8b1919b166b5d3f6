// From squares of rows to their scales: a few operations a row.
#pragma once

#include "native/cpu/kernels.h"

namespace circle::cpu {

// Scales of `count` rows. Returns the first row that is not finite, or −1: a square is finite exactly when its row is.
int64_t scale_rows(const double* squares, int64_t count, Normalize normalize, RowScale* scales);

}  // namespace circle::cpu
