// A step of an optimiser on a run of parameters. Each number is read and written once, and the gradient lies in L2:
// memory speed bounds it.
#pragma once

#include "native/cpu/kernels.h"
#include "native/cpu/simd.h"

namespace circle::cpu::CIRCLE_VARIANT {

template <class Rule>
static void optimizer_step(const Rule& rule, const float* gradient, int64_t count, float* parameters,
                           float* first_moment, float* second_moment) {
  const auto step = [&](int64_t i, int64_t lanes) {
    const auto read = [&](const float* from) {
      if (lanes == kLanes) return load(from + i);
      Floats some{};
      for (int64_t lane = 0; lane < lanes; ++lane) some[lane] = from[i + lane];
      return some;
    };
    const auto write = [&](float* to, Floats values) {
      if (lanes == kLanes) return store(to + i, values);
      for (int64_t lane = 0; lane < lanes; ++lane) to[i + lane] = values[lane];
    };
    Floats first = first_moment ? read(first_moment) : Floats{};
    Floats second = second_moment ? read(second_moment) : Floats{};
    write(parameters, rule.step(read(parameters), read(gradient), first, second));
    if (first_moment) write(first_moment, first);
    if (second_moment) write(second_moment, second);
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) step(i, kLanes);
  if (i < count) step(i, count - i);
}

}  // namespace circle::cpu::CIRCLE_VARIANT
