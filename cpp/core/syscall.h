// System calls without libc: init has none, and a child made with CLONE_VM must not touch the
// parent's errno. A result of -1 to -4095 is a negated errno.
#pragma once

#include <stdint.h>
#include <sys/syscall.h>

namespace tsrunc {

#if defined(__x86_64__)

inline long syscall_raw(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

inline long syscall_raw(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}

#else
#error "tsrunc knows the system call convention of x86_64 and aarch64"
#endif

namespace detail {
inline long word(long value) { return value; }
inline long word(int value) { return value; }
inline long word(unsigned value) { return static_cast<long>(value); }
inline long word(unsigned long value) { return static_cast<long>(value); }
inline long word(const void* value) { return reinterpret_cast<long>(value); }
inline long word(decltype(nullptr)) { return 0; }
}  // namespace detail

/** A system call with any arguments that fit a register. Arguments that are left out are 0. */
template <typename... Arguments>
long sys(long number, Arguments... arguments) {
  static_assert(sizeof...(Arguments) <= 6);
  const long words[6] = {detail::word(arguments)...};
  return syscall_raw(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

}  // namespace tsrunc
