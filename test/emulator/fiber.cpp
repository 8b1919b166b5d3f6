#include "test/emulator/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "test/emulator/poison.h"

#if defined(CIRCLE_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace circle::cuda::emulator {
namespace {

#if defined(CIRCLE_ADDRESS_SANITIZER)
constexpr size_t kStackBytes = 256 << 10;
#else
constexpr size_t kStackBytes = 64 << 10;
#endif
constexpr size_t kGuardBytes = 4096;
// Stacks that all begin at the same place of a page would fight for the same few cache sets.
constexpr size_t kColours = 16, kColourBytes = 1088;
constexpr size_t kMemoryBytes = kGuardBytes + kStackBytes + kColours * kColourBytes;

Fiber* entering = nullptr;

#if defined(__x86_64__)

void* scheduler = nullptr;  // its stack pointer

// Saves what a call must preserve and the stack pointer, and goes on where `to` was saved. With a jump: the processor
// predicts that a return goes to the last caller, which it never does here, and being wrong costs five times as much.
extern "C" void circle_emulator_switch(void** from, void* to);
asm(R"(
.text
.hidden circle_emulator_switch
.globl circle_emulator_switch
.type circle_emulator_switch, @function
circle_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmp *%rcx
.size circle_emulator_switch, .-circle_emulator_switch
)");

void* first_frame(char*, char* top, void (*enter)()) {
  // Six registers, the return address, and a caller's address that ends every walk up the stack.
  void** const frame = reinterpret_cast<void**>(top) - 8;
  for (int i = 0; i < 8; ++i) frame[i] = nullptr;
  frame[6] = reinterpret_cast<void*>(enter);
  return frame;
}
void change(void** from, void* to) {
  circle_emulator_switch(from, to);
}

#else

ucontext_t scheduler_context;
void* scheduler = &scheduler_context;

void* first_frame(char* low, char* top, void (*enter)()) {
  ucontext_t* const context =
      reinterpret_cast<ucontext_t*>(reinterpret_cast<uintptr_t>(top - sizeof(ucontext_t)) & ~63);
  getcontext(context);
  context->uc_stack.ss_sp = low;
  context->uc_stack.ss_size = static_cast<size_t>(reinterpret_cast<char*>(context) - low);
  context->uc_link = nullptr;
  makecontext(context, enter, 0);
  return context;
}
void change(void** from, void* to) {
  swapcontext(static_cast<ucontext_t*>(*from), static_cast<ucontext_t*>(to));
}

#endif

#if defined(CIRCLE_ADDRESS_SANITIZER)
const void* scheduler_stack = nullptr;
size_t scheduler_stack_bytes = 0;
#endif

}  // namespace

Fiber::Fiber(size_t number) {
  void* const memory =
      mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(memory);
  mprotect(memory_, kGuardBytes, PROT_NONE);
  top_ = memory_ + kMemoryBytes - number % kColours * kColourBytes;
}

Fiber::~Fiber() {
  ASAN_UNPOISON_MEMORY_REGION(memory_ + kGuardBytes, kMemoryBytes - kGuardBytes);
  munmap(memory_, kMemoryBytes);
}

void Fiber::restart(void (*body)()) {
  // A body that was given up has left its frames' red zones behind.
  if (body_) ASAN_UNPOISON_MEMORY_REGION(memory_ + kGuardBytes, kMemoryBytes - kGuardBytes);
  body_ = body;
  fake_stack_ = nullptr;
  saved_ = first_frame(memory_ + kGuardBytes, top_, enter);
}

__attribute__((no_sanitize("address"))) void Fiber::resume() {
  entering = this;
#if defined(CIRCLE_ADDRESS_SANITIZER)
  void* fake_stack;
  __sanitizer_start_switch_fiber(&fake_stack, memory_ + kGuardBytes, static_cast<size_t>(top_ - memory_) - kGuardBytes);
  change(&scheduler, saved_);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#else
  change(&scheduler, saved_);
#endif
}

__attribute__((no_sanitize("address"))) void Fiber::suspend() {
#if defined(CIRCLE_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&fake_stack_, scheduler_stack, scheduler_stack_bytes);
  change(&saved_, scheduler);
  __sanitizer_finish_switch_fiber(fake_stack_, &scheduler_stack, &scheduler_stack_bytes);
#else
  change(&saved_, scheduler);
#endif
}

// Never returns, so that red zones of its own would stay.
__attribute__((no_sanitize("address"))) void Fiber::enter() {
  Fiber* const fiber = entering;
#if defined(CIRCLE_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
#endif
  fiber->body_();
  fiber->leave();
}

__attribute__((no_sanitize("address"))) void Fiber::leave() {
  body_ = nullptr;
#if defined(CIRCLE_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(nullptr, scheduler_stack, scheduler_stack_bytes);
#endif
  change(&saved_, scheduler);
}

}  // namespace circle::cuda::emulator
