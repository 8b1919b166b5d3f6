# circle_cpu.node: C++ only, no driver, no library but the system's. native/sources.gypi is the one list of sources; its paths
# are those from the folder of binding.gyp, and so are the commands'.
{
  "includes": ["sources.gypi"],
  "targets": [
    {
      "target_name": "circle_cpu",
      "sources": ["<@(circle_cpu_sources)", "<@(circle_binding_sources)"],
      "include_dirs": ["..", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags!": ["-fno-omit-frame-pointer"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions"],
      "cflags_cc": ["<@(circle_flags)"],
      "xcode_settings": {
        "MACOSX_DEPLOYMENT_TARGET": "12.0",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "OTHER_CPLUSPLUSFLAGS": ["<@(circle_flags)"]
      },
      "conditions": [
        ["OS=='linux'", {
          # A worker's end unloads the addon, but the thread pool's threads live on in its code.
          "ldflags": ["-Wl,-z,nodelete", "-Wl,--version-script=<(module_root_dir)/native/exports.map", "-pthread"]
        }]
      ]
    }
  ]
}
