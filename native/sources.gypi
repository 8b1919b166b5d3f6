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
      "native/cpu/thread_pool.cpp",
      "native/cpu/workspace.cpp"
    ],
    "circle_binding_sources": [
      "native/binding/addon.cpp",
      "native/binding/call.cpp",
      "native/binding/job.cpp",
      "native/binding/session.cpp"
    ],
    "circle_flags": ["-O3", "-std=c++17", "-Wall", "-Wextra", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fvisibility=hidden"]
  }
}
