#include "native/cpu/dispatch.h"

#include <cstring>

namespace circle::cpu {

extern const Kernels kernels_baseline, kernels_avx2, kernels_avx512, kernels_neon;

const KernelsList& available_kernels() {
  static const KernelsList kernels = [] {
    KernelsList found{};
    const auto add = [&](const Kernels& table) { found.tables[found.count++] = &table; };
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      add(kernels_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(kernels_avx2);
    add(kernels_baseline);
#else
    add(kernels_neon);
#endif
    return found;
  }();
  return kernels;
}

const Kernels* find_kernels(const char* name) {
  for (const Kernels* kernels : available_kernels())
    if (std::strcmp(kernels->name, name) == 0) return kernels;
  return nullptr;
}

}  // namespace circle::cpu
