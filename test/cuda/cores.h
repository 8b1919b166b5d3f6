// The three cores as a caller chooses them, and what each adds to float32's rounding.
#pragma once

#include <memory>
#include <string>

#include "cuda/engine.h"
#include "test/native/engine_case.h"

namespace circle::cuda {

struct ChosenCore {
  std::string name;
  Units units;
  Precision precision;
  // Relative, of a coordinate or a pair weight: two halves keep 22 bits of it, one keeps 11. A tensor core cuts off what
  // it cannot hold of each sum of 64 products, which a rounding of 2⁻²¹ covers.
  double coordinate_error;

  Problem of(Problem problem) const {
    problem.rows.precision = precision;
    return problem;
  }
  std::unique_ptr<Engine> open() const { return open_engine(units, 0); }
};

inline const ChosenCore kCores[] = {{"ffma", Units::kFfma, Precision::kExact, 0},
                                    {"exact", Units::kTensor, Precision::kExact, 0x1p-21},
                                    {"fast", Units::kTensor, Precision::kFast, 0x1p-11}};

}  // namespace circle::cuda
