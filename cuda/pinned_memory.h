// Page-locked host memory that callers hold: allocate_pinned of engine.h, and who asks whether an array lies in it.
#pragma once

#include <cstdint>

namespace circle::cuda {

// Whether all these bytes are inside one piece of memory from allocate_pinned.
bool is_pinned(const void* memory, int64_t bytes);

}  // namespace circle::cuda
