{
  "variables": {
    "circle_cpu_sources": [
      "native/cpu/dispatch.cpp",
      "native/cpu/engine.cpp",
      "native/cpu/kernels_avx2.cpp",
      "native/cpu/kernels_avx512.cpp",
      "native/cpu/kernels_baseline.cpp",
      "native/cpu/kernels_neon.cpp",
      "native/cpu/packed_rows.cpp",
      "native/cpu/plan.cpp",
      "native/cpu/row_scales.cpp",
      "native/cpu/thread_pool.cpp",
      "native/cpu/workspace.cpp"
    ],
    "circle_call_sources": [
      "native/binding/call.cpp",
      "native/binding/shared_engine.cpp"
    ],
    "circle_binding_sources": [
      "native/binding/arguments.cpp",
      "native/binding/call.cpp",
      "native/binding/cpu_addon.cpp",
      "native/binding/exports.cpp",
      "native/binding/job.cpp",
      "native/binding/session.cpp",
      "native/binding/shared_engine.cpp"
    ],
    "circle_cuda_binding_sources": [
      "native/binding/arguments.cpp",
      "native/binding/call.cpp",
      "native/binding/cuda_addon.cpp",
      "native/binding/cuda_rows.cpp",
      "native/binding/exports.cpp",
      "native/binding/job.cpp",
      "native/binding/session.cpp",
      "native/binding/shared_engine.cpp"
    ],
    "circle_cuda_host_sources": [
      "cuda/device.cpp",
      "cuda/device_memory.cpp",
      "cuda/device_rows.cpp",
      "cuda/engine.cpp",
      "cuda/forward_pass.cpp",
      "cuda/gradient_pass.cpp",
      "cuda/nearest_pass.cpp",
      "cuda/packed_rows.cpp",
      "cuda/pinned_memory.cpp",
      "cuda/plan.cpp",
      "cuda/ranking_pass.cpp",
      "cuda/search_panels.cpp",
      "cuda/similarity_pass.cpp",
      "cuda/staging.cpp",
      "cuda/workspace.cpp"
    ],
    "circle_cuda_kernel_sources": [
      "cuda/finish.cu",
      "cuda/nearest.cu",
      "cuda/products.cu",
      "cuda/ranking.cu",
      "cuda/rows.cu",
      "cuda/similarity.cu",
      "cuda/statistics.cu",
      "cuda/weights.cu"
    ],
    "circle_flags": ["-O3", "-std=c++17", "-Wall", "-Wextra", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fvisibility=hidden"]
  }
}
