#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "executor.h"
#include "proc.h"
#include "resolve.h"

namespace tsrunc {
namespace {

/** The namespace's file below /proc/PID/ns. */
const char* file_of(uint32_t type) {
  switch (type) {
    case CLONE_NEWNS: return "mnt";
    case CLONE_NEWNET: return "net";
    case CLONE_NEWUTS: return "uts";
    case CLONE_NEWIPC: return "ipc";
    default: return "";
  }
}

/** KEYCTL_DESCRIBE says `keyring;UID;GID;PERM;NAME`. */
bool is_own_keyring(long keyring) {
  char about[512] = {};
  if (sys(SYS_keyctl, KEYCTL_DESCRIBE, keyring, about, sizeof about - 1) < 0) return false;
  const char* start = find(about, ';');
  const char* end = start == nullptr ? nullptr : find(start + 1, ';');
  if (end == nullptr) return false;
  Text<16> number;
  number.add(start + 1, static_cast<size_t>(end - start - 1));
  uint32_t uid = 0;
  return parse_u32(number.get(), uid) && uid == static_cast<uint32_t>(sys(SYS_geteuid));
}

}  // namespace

Status Executor::run(const operations::JoinCgroups& op) {
  Status status;
  op.files.each([&](const char* file) {
    if (!status.ok()) return;
    status = [&]() -> Status {
      UniqueFd procs = TRY(check_fd(sys(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CLOEXEC), "open", file));
      return check(sys(SYS_write, procs.get(), "0", 1), "write", file);
    }();
  });
  return status;
}

Status Executor::run(const operations::OpenCgroup& op) {
  cgroup_ = TRY(check_fd(sys(SYS_openat, AT_FDCWD, op.file, O_WRONLY | O_CLOEXEC), "open", op.file));
  return {};
}

Status Executor::run(const operations::EnterCgroup& op) {
  TRY(check(sys(SYS_write, cgroup_.get(), "0", 1), "write", op.file));
  cgroup_.reset();
  if (!op.new_namespace) return {};
  return check(sys(SYS_unshare, CLONE_NEWCGROUP), "unshare", "cgroup namespace");
}

/** On the opened file, so that the path can't lead elsewhere afterwards. */
Status Executor::require_foreign(uint32_t type, int file, const char* path) {
  struct stat wanted = TRY(status_of(file, path));
  const char* const processes[] = {"self/ns/", "1/ns/"};
  for (const char* process : processes) {
    Text<16> own;
    own.add(process).add(file_of(type));
    struct stat status{};
    // Whoever may not look at process 1 has no privilege in its namespaces either.
    if (sys(SYS_newfstatat, proc_.get(), own.get(), &status, 0) < 0) continue;
    if (status.st_dev != wanted.st_dev || status.st_ino != wanted.st_ino) continue;
    return Error{0, "", path, "this is the host's own namespace, which the configuration would change"};
  }
  return {};
}

Status Executor::run(const operations::JoinNamespaces& op) {
  // All are opened first: after the first join the paths may lead elsewhere, or nowhere.
  constexpr uint32_t kMost = 8;
  UniqueFd files[kMost];
  const char* paths[kMost] = {};
  if (op.types.size() > kMost || op.types.size() != op.files.size()) return malformed();
  Status status;
  uint32_t count = 0;
  op.files.each([&](const char* file) {
    if (!status.ok()) return;
    auto opened = check_fd(sys(SYS_openat, AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open", file);
    if (!opened.ok()) {
      status = opened.error();
      return;
    }
    paths[count] = file;
    files[count] = opened.take();
    if ((op.foreign & op.types[count]) != 0) {
      status = require_foreign(op.types[count], files[count].get(), file);
    }
    ++count;
  });
  if (!status.ok()) return status;
  // A namespace belongs to a user namespace: the caller's, so it has to be joined before another one
  // is entered, or the one entered here (the last of the list), so only from inside.
  bool joined[kMost] = {};
  for (int pass = 0; pass < 2; ++pass) {
    for (uint32_t i = 0; i < count; ++i) {
      if (joined[i]) continue;
      const long result = sys(SYS_setns, files[i].get(), op.types[i]);
      if (result == -EPERM && pass == 0) continue;
      TRY(check(result, "setns", paths[i]));
      joined[i] = true;
    }
  }
  return {};
}

Status Executor::run(const operations::JoinProcess& op) {
  // A pidfd can't come to mean another process, as a path with its number could; and all in one call the
  // kernel judges by the caller's rights, whichever user namespace each of them belongs to.
  return check(sys(SYS_setns, given_.get(), op.flags), "setns", "the container's first process");
}

Status Executor::run(const operations::CreateUserNamespace&) {
  TRY(check(sys(SYS_unshare, CLONE_NEWUSER), "unshare", "user namespace"));
  TRY(channel_.send(Message::NeedIdMaps));
  const Received received = TRY(channel_.receive());
  return received.reply == Reply::Proceed ? Status{} : malformed();
}

Status Executor::run(const operations::AwaitCgroup& op) {
  if (op.announced) TRY(channel_.send(Message::CgroupDue));
  const Received received = TRY(channel_.receive());
  return received.reply == Reply::Proceed ? Status{} : malformed();
}

Status Executor::run(const operations::BecomeRoot& op) {
  TRY(check(sys(SYS_setresgid, op.gid, op.gid, op.gid), "setresgid"));
  return check(sys(SYS_setresuid, op.uid, op.uid, op.uid), "setresuid");
}

Status Executor::run(const operations::OpenTimeOffsets&) {
  const char* name = "timens_offsets";
  // ENOENT is a kernel without time namespaces.
  time_offsets_ = TRY(open_in_proc(proc_.get(), "self/timens_offsets", name, O_WRONLY, true));
  return {};
}

Status Executor::run(const operations::CreateTimeNamespace& op) {
  TRY(check(sys(SYS_unshare, CLONE_NEWTIME), "unshare", "time namespace"));
  // The file is of this process, whatever namespace it has by now; its opener's privileges count.
  TRY(check(sys(SYS_write, time_offsets_.get(), op.offsets, length(op.offsets)), "write",
            "timens_offsets"));
  time_offsets_.reset();
  return {};
}

Status Executor::run(const operations::Clone& op) {
  int pidfd = -1;
  clone_args arguments{};
  // CLONE_PARENT: the container is a child of tsrunc's process and, once that has ended, of the
  // nearest subreaper: that is how a shim gets its exit status.
  arguments.flags = uint64_t{op.flags} | CLONE_PIDFD | CLONE_PARENT;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  const long pid = sys(SYS_clone3, &arguments, sizeof arguments);
  TRY(check(pid, "clone3"));
  if (pid == 0) return {};
  const Status sent = channel_.send_cloned(static_cast<uint32_t>(pid), pidfd);
  while (sent.ok()) sys(SYS_exit_group, 0);
  // Nobody else knows of it.
  sys(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  return sent;
}

Status Executor::run(const operations::NewSession&) { return check(sys(SYS_setsid), "setsid"); }

Status Executor::run(const operations::JoinSessionKeyring& op) {
  long keyring = sys(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, op.name);
  // Kernels without keyrings have nothing to isolate.
  if (keyring == -ENOSYS) return {};
  TRY(check(keyring, "keyctl", op.name));
  // A name may be anybody's: one that another user has made is left for one without a name.
  if (!is_own_keyring(keyring)) {
    keyring = sys(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
    TRY(check(keyring, "keyctl", op.name));
  }
  // As it is made, and searchable by its owner: programs that change their user would lose it else.
  constexpr uint32_t kPermissions = 0x3f1b0000;
  return check(sys(SYS_keyctl, KEYCTL_SETPERM, keyring, kPermissions), "keyctl", op.name);
}

Status Executor::run(const operations::SetHostname& op) {
  return check(sys(SYS_sethostname, op.name, length(op.name)), "sethostname", op.name);
}

Status Executor::run(const operations::SetDomainname& op) {
  return check(sys(SYS_setdomainname, op.name, length(op.name)), "setdomainname", op.name);
}

Status Executor::run(const operations::AwaitNetDevices&) {
  TRY(channel_.send(Message::NetDevicesDue));
  const Received received = TRY(channel_.receive());
  return received.reply == Reply::Proceed ? Status{} : malformed();
}

Status Executor::run(const operations::LoopbackUp&) {
  UniqueFd socket = TRY(check_fd(sys(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket", "lo"));
  ifreq request{};
  __builtin_memcpy(request.ifr_name, "lo", sizeof "lo");
  request.ifr_flags = IFF_UP;
  return check(sys(SYS_ioctl, socket.get(), SIOCSIFFLAGS, &request), "ioctl", "lo");
}

}  // namespace tsrunc
