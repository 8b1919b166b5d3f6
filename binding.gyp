# circle_cpu.node: native/addon.gypi says how. This file stays in the clone: npm would compile a package that has one.
{ "includes": ["native/addon.gypi"] }
