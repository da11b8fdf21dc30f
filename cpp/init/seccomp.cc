// The container's system call filter. Its load is the last but the exec where the kernel allows it
// that late: whatever init does under the filter, each profile would have to allow.
#include <errno.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>

#include "executor.h"

namespace tsrunc {
namespace {

/** Until init knows the descriptor of the notifications, or the negated errno. */
constexpr int kUnknown = -4096;

/** Lets init's helper see what init can't tell it: any system call may already be waiting for the
 * agent. */
struct Shared {
  int listener = kUnknown;
};

/** Ended children are reaped by the kernel from here on; the exec takes that back. */
Status forget_children() {
  struct Action {
    unsigned long handler = 0;  // SIG_DFL
    unsigned long flags = SA_NOCLDWAIT;
    unsigned long restorer = 0;
    uint64_t mask = 0;
  } const action;
  return check(sys(SYS_rt_sigaction, SIGCHLD, &action, nullptr, sizeof action.mask),
               "rt_sigaction");
}

/**
 * The helper: a process without the filter, with init's descriptors. Sends the one of the
 * notifications to the parent and closes it, or an agent that died would leave init waiting for
 * itself.
 */
[[noreturn]] void send_listener(const Channel& channel, const Shared& shared, long init) {
  sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  int listener = kUnknown;
  // As long as one system call takes.
  while (sys(SYS_getppid) == init) {
    listener = __atomic_load_n(&shared.listener, __ATOMIC_ACQUIRE);
    if (listener != kUnknown) break;
    sys(SYS_sched_yield);
  }
  if (listener >= 0) {
    (void)channel.send(Message::Listener, listener);
    sys(SYS_close, listener);
  }
  for (;;) sys(SYS_exit_group, 0);
}

Result<Shared*> make_shared() {
  const long address = sys(SYS_mmap, nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0L);
  TRY(check(address, "mmap"));
  auto* shared = reinterpret_cast<Shared*>(address);
  shared->listener = kUnknown;
  return shared;
}

Status start_helper(const Channel& channel, const Shared& shared) {
  TRY(forget_children());
  const long init = sys(SYS_getpid);
  clone_args arguments{};
  arguments.flags = CLONE_FILES;
  arguments.exit_signal = SIGCHLD;
  const long pid = sys(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) send_listener(channel, shared, init);
  if (pid == -EAGAIN) {
    return Error{EAGAIN, "clone3", "",
                 "passing the descriptor of the notifications on takes a second process for a "
                 "moment: raise the "
                 "limit of pids or RLIMIT_NPROC"};
  }
  return check(pid, "clone3");
}

}  // namespace

Status Executor::run(const operations::LoadSeccomp& op) {
  // The filter's instructions lie unaligned in the Program; the kernel copies them byte by byte.
  sock_fprog program{};
  program.len = static_cast<unsigned short>(op.filter.size / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(const_cast<uint8_t*>(op.filter.data));
  if (op.filter.size % sizeof(sock_filter) != 0 ||
      op.filter.size / sizeof(sock_filter) > BPF_MAXINSNS) {
    return Error{E2BIG, "seccomp", "",
                 "the filter has more instructions than the kernel takes (4096)"};
  }
  Shared* shared = nullptr;
  if (op.listener) {
    shared = TRY(make_shared());
    TRY(start_helper(channel_, *shared));
  }
  const long result = sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op.flags, &program);
  if (shared != nullptr)
    __atomic_store_n(&shared->listener, static_cast<int>(result), __ATOMIC_RELEASE);
  channel_.use_plain_calls();
  TRY(check(result, "seccomp"));
  if (shared == nullptr) return {};
  const Received received = TRY(channel_.receive());
  return received.reply == Reply::Proceed ? Status{} : malformed();
}

}  // namespace tsrunc
