// Memory that the C++ library's operator new, and posix_memalign, refuse to one addon inside Node. Loaded before Node's own
// libraries (LD_PRELOAD), so that everybody's calls come here, and as an addon, for JavaScript to say when:
//   refuse(path, n)   the addon at `path` gets n more allocations and then none; allocations of others are never refused
//   allow()           how many were refused meanwhile
#include <dlfcn.h>
#include <link.h>
#include <node_api.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace {

std::atomic<long> left{-1}, refused{0};
std::atomic<uintptr_t> code_begin{0}, code_end{0};

bool is_refused(const void* caller) {
  const auto at = reinterpret_cast<uintptr_t>(caller);
  if (left.load() < 0 || at < code_begin.load() || at >= code_end.load()) return false;
  for (long now = left.load(); now != 0;)
    if (now < 0 || left.compare_exchange_weak(now, now - 1)) return false;
  ++refused;
  return true;
}

void* allocate(size_t bytes, size_t alignment, const void* caller) {
  void* const memory =
      is_refused(caller) ? nullptr : std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

// All of the module's segments.
int find_module(dl_phdr_info* info, size_t, void* path) {
  if (!std::strstr(info->dlpi_name, static_cast<const char*>(path))) return 0;
  uintptr_t begin = UINTPTR_MAX, end = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
    const uintptr_t first = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    begin = first < begin ? first : begin;
    end = first + info->dlpi_phdr[i].p_memsz > end ? first + info->dlpi_phdr[i].p_memsz : end;
  }
  code_begin = begin;
  code_end = end;
  return 1;
}

napi_value refuse(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, length = 0;
  int64_t allowed = 0;
  char path[4096];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length);
  napi_get_value_int64(env, arguments[1], &allowed);
  if (dl_iterate_phdr(find_module, path) == 0) napi_throw_error(env, nullptr, "refuse: no such module.");
  refused = 0;
  left = allowed;
  return nullptr;
}

napi_value allow(napi_env env, napi_callback_info) {
  left = -1;
  napi_value count;
  napi_create_int64(env, refused.load(), &count);
  return count;
}

}  // namespace

void* operator new(size_t bytes) {
  return allocate(bytes, 16, __builtin_return_address(0));
}
void* operator new[](size_t bytes) {
  return allocate(bytes, 16, __builtin_return_address(0));
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<size_t>(alignment), __builtin_return_address(0));
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return is_refused(__builtin_return_address(0)) ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
}

extern "C" int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  using Allocate = int (*)(void**, size_t, size_t);
  static const Allocate next = reinterpret_cast<Allocate>(dlsym(RTLD_NEXT, "posix_memalign"));
  return is_refused(__builtin_return_address(0)) ? ENOMEM : next(memory, alignment, bytes);
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "refuse", NAPI_AUTO_LENGTH, refuse, nullptr, &function);
  napi_set_named_property(env, exports, "refuse", function);
  napi_create_function(env, "allow", NAPI_AUTO_LENGTH, allow, nullptr, &function);
  napi_set_named_property(env, exports, "allow", function);
  return exports;
}
