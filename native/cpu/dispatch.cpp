#include "native/cpu/dispatch.h"

#include <cstring>

namespace circle::cpu {

extern const Kernels kernels_baseline, kernels_avx2, kernels_avx512, kernels_neon;

const std::vector<const Kernels*>& available_kernels() {
  static const std::vector<const Kernels*>* const kernels = [] {
    auto* found = new std::vector<const Kernels*>;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      found->push_back(&kernels_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found->push_back(&kernels_avx2);
    found->push_back(&kernels_baseline);
#else
    found->push_back(&kernels_neon);
#endif
    return found;
  }();
  return *kernels;
}

const Kernels* find_kernels(const char* name) {
  for (const Kernels* kernels : available_kernels())
    if (std::strcmp(kernels->name, name) == 0) return kernels;
  return nullptr;
}

}  // namespace circle::cpu
