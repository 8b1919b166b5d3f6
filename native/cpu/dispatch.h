// Which instruction sets there are, at run time.
#pragma once

#include <cstddef>

#include "native/cpu/kernels.h"

namespace circle::cpu {

// Tables, best first. Not a vector: nothing here allocates, so that nothing here fails.
struct KernelsList {
  const Kernels* tables[3];
  size_t count;

  size_t size() const { return count; }
  const Kernels* const* begin() const { return tables; }
  const Kernels* const* end() const { return tables + count; }
  const Kernels* front() const { return tables[0]; }
  const Kernels* operator[](size_t i) const { return tables[i]; }
};

// Compiled in and present in this CPU (and enabled by the system). Never empty.
const KernelsList& available_kernels();

// By name, or null.
const Kernels* find_kernels(const char* name);

}  // namespace circle::cpu
