// The registry: every optimiser that an engine can apply to candidates in place of writing their gradient out.
#pragma once

#include <variant>

#include "native/optimizers/adam.h"
#include "native/optimizers/sgd.h"

namespace circle {

using Optimizer = std::variant<Sgd, Adam>;

}  // namespace circle
