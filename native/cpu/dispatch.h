// Which instruction sets there are, at run time.
#pragma once

#include <vector>

#include "native/cpu/kernels.h"

namespace circle::cpu {

// Compiled in and present in this CPU (and enabled by the system), best first. Never empty.
const std::vector<const Kernels*>& available_kernels();

// By name, or null.
const Kernels* find_kernels(const char* name);

}  // namespace circle::cpu
