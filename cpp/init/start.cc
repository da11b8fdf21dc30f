// Where the static program begins: it has no libc, so this is its entry point and the four memory
// functions that compilers call on their own.
#include <stddef.h>
#include <stdint.h>

#include "../core/syscall.h"

extern "C" {

int tsrunc_main(int argc, char** argv);

__attribute__((noreturn, used)) void tsrunc_start(long* stack) {
  // The kernel leaves argc, argv and the environment at the top of the stack.
  const int status = tsrunc_main(static_cast<int>(stack[0]), reinterpret_cast<char**>(stack + 1));
  tsrunc::sys(SYS_exit_group, status);
  // A seccomp filter may refuse even that; a fault is the end that nobody can refuse.
  for (;;) __builtin_trap();
}

#if defined(__x86_64__)
asm(".globl _start\n"
    ".type _start,@function\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call tsrunc_start\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    ".type _start,%function\n"
    "_start:\n"
    "  mov x29, xzr\n"
    "  mov x30, xzr\n"
    "  mov x0, sp\n"
    "  bl tsrunc_start\n");
#endif

// Built with -fno-tree-loop-distribute-patterns, or these loops would become calls of themselves.

void* memcpy(void* to, const void* from, size_t size) {
  auto* out = static_cast<uint8_t*>(to);
  const auto* in = static_cast<const uint8_t*>(from);
  for (size_t i = 0; i < size; ++i) out[i] = in[i];
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  auto* out = static_cast<uint8_t*>(to);
  const auto* in = static_cast<const uint8_t*>(from);
  if (out < in) return memcpy(to, from, size);
  while (size-- > 0) out[size] = in[size];
  return to;
}

void* memset(void* to, int byte, size_t size) {
  auto* out = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(byte);
  return to;
}

size_t strlen(const char* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}
}
