#include "children.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "../core/child.h"

namespace tsrunc {
namespace {

/** More than a call with a host may have (ts/resident/launcher-caller.ts). */
constexpr int kMostFds = 256;
constexpr int kMostArguments = 8;
constexpr size_t kStackSize = 65536;

/** All signals, as the addon does it: what is caught here must not be handled in the child. */
class SignalsBlocked {
 public:
  SignalsBlocked() {
    const uint64_t all = ~uint64_t{0};
    sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { sys(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_); }

 private:
  uint64_t before_ = 0;
};

}  // namespace

Result<Spawned> spawn(const messages::Spawn& order, const Incoming& incoming) {
  static int fds[kMostFds];
  static int copies[kMostFds];
  const size_t cgroups = order.into_cgroup ? 1 : 0;
  const size_t total = order.callers.size() + incoming.count;
  if (incoming.count < 2 + cgroups || total > kMostFds || order.args.size() > kMostArguments)
    return Error{EINVAL, "spawn"};
  int count = 0;
  for (uint32_t i = 0; i < order.callers.size(); ++i)
    fds[count++] = static_cast<int>(order.callers[i]);
  for (size_t i = 1; i < incoming.count - cgroups; ++i) fds[count++] = incoming.fds[i].get();
  const char* argv[kMostArguments + 2] = {"tsrunc-init"};
  int at = 1;
  order.args.each([&](const char* argument) { argv[at++] = argument; });

  const int socket = static_cast<int>(order.callers.size());
  Child child{fds, copies, count, socket, incoming.fds[0].get(), argv};
  alignas(16) static uint8_t stack[kStackSize];
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(stack);
  arguments.stack_size = kStackSize;
  if (order.into_cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(incoming.fds[incoming.count - 1].get());
  }
  const SignalsBlocked blocked;
  const long pid = clone_child(arguments, child);
  TRY(check(pid, "clone3"));
  return Spawned{static_cast<int>(pid), UniqueFd(pidfd)};
}

Ended reap(int child) {
  Ended ended;
  const long pid = sys(SYS_wait4, child, &ended.status, WNOHANG, nullptr);
  ended.pid = pid > 0 ? static_cast<int>(pid) : 0;
  return ended;
}

}  // namespace tsrunc
