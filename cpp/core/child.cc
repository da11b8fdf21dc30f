#include "child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>

#include "channel.h"

namespace tsrunc {
namespace {

/** The kernel's struct sigaction, all of it zero: SIG_DFL. Its mask has 64 bits everywhere. */
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  uint64_t mask;
};

/** Node ignores SIGPIPE, CLONE_CLEAR_SIGHAND leaves that, and exec would hand it on to the
 * container. */
void reset_signals() {
  const KernelAction standard{};
  for (int signal = 1; signal <= 64; ++signal) {
    sys(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  }
}

/** Puts the descriptors into place, the image behind them, and has the exec close all others. */
Status place_descriptors(const Child& child) {
  // First out of each other's way: a source may have the number that another one is to get.
  for (int i = 0; i < child.count; ++i) {
    const long copy = sys(SYS_fcntl, child.fds[i], F_DUPFD_CLOEXEC, child.count + 1);
    TRY(check(copy, "fcntl"));
    child.copies[i] = static_cast<int>(copy);
  }
  const long image = sys(SYS_fcntl, child.image, F_DUPFD_CLOEXEC, child.count + 1);
  TRY(check(image, "fcntl"));
  for (int i = 0; i < child.count; ++i) TRY(check(sys(SYS_dup3, child.copies[i], i, 0), "dup3"));
  TRY(check(sys(SYS_dup3, image, child.count, O_CLOEXEC), "dup3"));
  return check(sys(SYS_close_range, child.count + 1, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
}

/** Comes back with the reason for which it did not. */
Status become_init(const Child& child) {
  TRY(place_descriptors(child));
  reset_signals();
  const uint64_t none = 0;
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  const char* const environment[] = {nullptr};
  return check(sys(SYS_execveat, child.count, "", child.argv, environment, AT_EMPTY_PATH),
               "execveat");
}

}  // namespace

void run_child(Child* child) {
  int& socket = child->copies[child->socket];
  socket = child->fds[child->socket];
  Error error = become_init(*child).error();
  error.detail = "init could not be started";
  (void)Channel(UniqueFd(socket)).send_failed(0, 0, error);
  for (;;) sys(SYS_exit_group, 127);
}

long clone_child(const clone_args& arguments, Child& child) {
  // In assembly since the child comes back from the system call on an empty stack. Its operands are
  // in registers that the kernel preserves.
#if defined(__x86_64__)
  register Child* shared asm("r8") = &child;
  register void (*entry)(Child*) asm("r9") = run_child;
  long result;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[shared], %%rdi\n\t"
      "call *%[entry]\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"(static_cast<long>(SYS_clone3)), "D"(&arguments),
        "S"(sizeof arguments), [shared] "r"(shared), [entry] "r"(entry)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = SYS_clone3;
  register const clone_args* x0 asm("x0") = &arguments;
  register long x1 asm("x1") = sizeof arguments;
  register Child* shared asm("x9") = &child;
  register void (*entry)(Child*) asm("x10") = run_child;
  register long result asm("x0");
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, %[shared]\n\t"
      "blr %[entry]\n\t"
      "brk #1\n"
      "1:"
      : "=r"(result)
      : "r"(x8), "0"(x0), "r"(x1), [shared] "r"(shared), [entry] "r"(entry)
      : "memory", "cc");
  return result;
#endif
}

}  // namespace tsrunc
