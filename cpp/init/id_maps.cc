// User namespaces that no process is in: their maps are those of id-mapped mounts.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>

#include "executor.h"
#include "proc.h"

namespace tsrunc {
namespace {

/**
 * In the new namespace: sends it, then waits for the end of the socket, which is also that of its
 * parent. It opens the namespace itself, since for others that is a matter of tracing
 * (PTRACE_MODE_READ).
 */
[[noreturn]] void hold_namespace(int proc, const Channel& parent) {
  const long file = sys(SYS_openat, proc, "self/ns/user", O_RDONLY | O_CLOEXEC);
  if (file >= 0 && parent.send(Message::NeedIdMaps, static_cast<int>(file)).ok())
    (void)parent.receive();
  for (;;) sys(SYS_exit_group, 0);
}

Status write_map(int proc, uint64_t pid, const char* name, const char* map) {
  Text<32> file;
  file.add_number(pid).add("/").add(name);
  return write_in_proc(proc, file.get(), name, map, false);
}

/** The namespace that the process sends, with its maps written. */
Result<UniqueFd> receive_namespace(int proc, const Channel& holder, long pid,
                                   const operations::MakeUserNamespace& op) {
  Received received = TRY(holder.receive());
  if (!received.fd.valid()) return Error{EPIPE, "recvmsg", "user namespace"};
  TRY(write_map(proc, static_cast<uint64_t>(pid), "gid_map", op.gid_map));
  TRY(write_map(proc, static_cast<uint64_t>(pid), "uid_map", op.uid_map));
  return static_cast<UniqueFd&&>(received.fd);
}

}  // namespace

Status Executor::run(const operations::MakeUserNamespace& op) {
  UniqueFd& slot = *TRY(slot_of(op.slot, "user namespace"));
  int pair[2] = {-1, -1};
  TRY(check(sys(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair"));
  Channel ours{UniqueFd(pair[0])};
  Channel theirs{UniqueFd(pair[1])};
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  const long pid = sys(SYS_clone3, &arguments, sizeof arguments);
  TRY(check(pid, "clone3", "user namespace"));
  if (pid == 0) {
    // Its copy of our end would keep it from ever reading the end of the socket.
    ours.close();
    hold_namespace(proc_.get(), theirs);
  }
  theirs.close();
  auto made = receive_namespace(proc_.get(), ours, pid, op);
  ours.close();
  int status = 0;
  while (sys(SYS_wait4, pid, &status, 0, nullptr) == -EINTR) {
  }
  slot = TRY(made);
  return {};
}

Status Executor::run(const operations::OpenNamespace& op) {
  UniqueFd& slot = *TRY(slot_of(op.slot, op.file));
  slot = TRY(check_fd(sys(SYS_openat, AT_FDCWD, op.file, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open",
                      op.file));
  return {};
}

}  // namespace tsrunc
