// The functions that exist once per instruction set, as a table. dispatch.cpp picks a table; the engine knows no other
// way to compute.
#pragma once

#include <tuple>

#include "native/core/anchor_terms.h"
#include "native/core/problem.h"
#include "native/cpu/layout.h"

namespace circle::cpu {

// x̂ = x / ‖x‖, and how the gradient goes back through it: dx = inverse · (g − projects · (g·x̂) x̂).
struct RowScale {
  float inverse;     // 1 / ‖x‖
  float correction;  // what rounding took from it: without it a row's similarities would all be off by the same share
  float projects;    // 0 for rows as given and for rows too short to have a direction
};

// Rows as the caller has them: `count` rows of `dim` numbers, `stride` floats from one to the next. Part of each row, where
// dim is less than stride.
struct GivenRows {
  const float* values;
  int64_t stride, count, dim;
};

// Rows in panels; `stride` floats from one panel of 32 columns to the next.
struct Panels {
  float* values;
  int64_t stride;

  Panels from_row(int64_t row) const { return {values + row * kPanel, stride}; }
  Panels from_panel(int64_t panel) const { return {values + panel * stride, stride}; }
};

enum class Orientation { kRows, kColumns };  // whose gradient a tile of pair weights is used for
enum class TileKind { kFull, kDiagonal };    // whether its columns are its rows
enum class Start { kFresh, kContinue };      // overwrite the accumulators or add to them

template <class Loss>
struct LossKernels {
  // Statistics of the tile's rows, and of its columns unless `columns` is null.
  void (*statistics)(const Loss&, const Tile&, AnchorPartial* rows, AnchorPartial* columns);
  // Overwrites similarities with ∂final/∂similarity. With `columns`, the weight that the column's own anchor gives the
  // pair is added (docs/math.md §8).
  void (*pair_weights)(const Loss&, const Tile&, const AnchorTerms* rows, const AnchorTerms* columns);
};

// One step of an optimiser on `count` parameters; moments that it does not have are null.
template <class Rule>
struct OptimizerKernel {
  void (*step)(const Rule&, const float* gradient, int64_t count, float* parameters, float* first_moment,
               float* second_moment);
};

template <class Variant>
struct OptimizersOf;
template <class... Rules>
struct OptimizersOf<std::variant<Rules...>> {
  using Table = std::tuple<OptimizerKernel<Rules>...>;
};

template <class Variant>
struct KernelsOf;
template <class... Losses>
struct KernelsOf<std::variant<Losses...>> {
  using Table = std::tuple<LossKernels<Losses>...>;
};

struct Kernels {
  const char* name;

  // Σ x² of each row in double precision, which squares of floats never overflow.
  void (*squares)(const GivenRows& rows, double* squares);
  // Scaled rows into panels and into transposed groups; the padding is zeroed.
  void (*pack_panels)(const GivenRows& rows, const RowScale* scales, Panels panels);
  void (*pack_groups)(const GivenRows& rows, const RowScale* scales, float* groups);

  // tile = rows of `anchors` × rows of `groups`; for a diagonal tile half of it, and the mirror image.
  void (*similarity_tile)(Panels anchors, const float* groups, int64_t dim, int rows, int columns, TileKind,
                          float* tile);
  // gradient (+)= tile × others (kRows: `count` rows of the tile) or tileᵀ × others (kColumns: `count` columns), over
  // `panel_count` panels of 32 columns; `steps` is the other edge of the tile.
  void (*accumulate)(const float* tile, Orientation, int count, int steps, Panels others, int panel_count,
                     Panels gradient, Start);
  // g · x̂ of each of `count` rows.
  void (*project)(Panels gradient, Panels rows, int64_t count, int64_t dim, double* along);
  // Back through the normalisation, from panels into `out`, rows `stride` floats apart. `along` is g · x̂, or null where
  // these are whole rows, which tell it themselves.
  void (*unpack_gradient)(Panels gradient, Panels rows, const RowScale* scales, const double* along, int64_t count,
                          int64_t dim, float* out, int64_t stride);

  // What nearest candidates and ranks ask of tiles (tile_search.h).
  void (*turn_tile)(const float* tile, int rows, int columns, float* turned);
  void (*count_reached)(const float* values, int columns, const float* thresholds, int64_t count, int32_t* reached);
  void (*keep_nearest)(const float* values, int columns, int64_t first, float limit, int64_t k, float* similarities,
                       int32_t* candidates);
  void (*sort_nearest)(int64_t k, float* similarities, int32_t* candidates);

  // out[i] = e^values[i]; for the exponential's own test.
  void (*exponentials)(const float* values, int64_t count, float* out);

  KernelsOf<PairLoss>::Table losses;
  OptimizersOf<Optimizer>::Table optimizers;
};

}  // namespace circle::cpu
