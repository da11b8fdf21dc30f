#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>

#include "executor.h"

namespace tsrunc {
namespace {

/** struct rlimit64 of <sys/resource.h>. */
struct Limit {
  uint64_t soft;
  uint64_t hard;
};

long prlimit(uint32_t resource, const Limit* wanted, Limit* current) {
  return sys(SYS_prlimit64, 0, resource, wanted, current);
}

}  // namespace

Status Executor::run(const operations::SetDumpable& op) {
  return check(sys(SYS_prctl, PR_SET_DUMPABLE, op.value ? 1 : 0, 0, 0, 0), "prctl", "PR_SET_DUMPABLE");
}

Status Executor::run(const operations::RaiseRlimit& op) {
  Limit limit{};
  TRY(check(prlimit(op.resource, nullptr, &limit), "prlimit64"));
  if (limit.hard >= op.hard) return {};
  limit.hard = op.hard;
  return check(prlimit(op.resource, &limit, nullptr), "prlimit64");
}

Status Executor::run(const operations::SetRlimit& op) {
  const Limit limit{op.soft, op.hard};
  return check(prlimit(op.resource, &limit, nullptr), "prlimit64");
}

Status Executor::run(const operations::SetSoftLimit& op) {
  Limit limit{};
  TRY(check(prlimit(op.resource, nullptr, &limit), "prlimit64"));
  limit.soft = op.soft < limit.hard ? op.soft : limit.hard;
  return check(prlimit(op.resource, &limit, nullptr), "prlimit64");
}

Status Executor::run(const operations::SetUmask& op) {
  sys(SYS_umask, op.mask);
  return {};
}

Status Executor::run(const operations::SetNoNewPrivileges&) {
  return check(sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS");
}

Status Executor::run(const operations::SetBoundingSet& op) {
  for (int capability = 0; capability < 64; ++capability) {
    const long held = sys(SYS_prctl, PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held == -EINVAL) break;  // Beyond the kernel's last.
    TRY(check(held, "prctl", "PR_CAPBSET_READ"));
    if (held == 0 || (op.keep >> capability & 1) != 0) continue;
    TRY(check(sys(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl", "PR_CAPBSET_DROP"));
  }
  return {};
}

Status Executor::run(const operations::SetUser& op) {
  TRY(check(sys(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl", "PR_SET_KEEPCAPS"));
  if (op.set_groups) {
    TRY(check(sys(SYS_setgroups, op.groups.size(), op.groups.data()), "setgroups"));
  }
  TRY(check(sys(SYS_setresgid, op.gid, op.gid, op.gid), "setresgid"));
  TRY(check(sys(SYS_setresuid, op.uid, op.uid, op.uid), "setresuid"));
  return check(sys(SYS_prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0), "prctl", "PR_SET_KEEPCAPS");
}

Status Executor::run(const operations::SetCapabilities& op) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int half = 0; half < 2; ++half) {
    data[half].effective = static_cast<uint32_t>(op.effective >> (32 * half));
    data[half].permitted = static_cast<uint32_t>(op.permitted >> (32 * half));
    data[half].inheritable = static_cast<uint32_t>(op.inheritable >> (32 * half));
  }
  TRY(check(sys(SYS_capset, &header, data), "capset"));
  TRY(check(sys(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl", "PR_CAP_AMBIENT"));
  for (int capability = 0; capability < 64; ++capability) {
    if ((op.ambient >> capability & 1) == 0) continue;
    TRY(check(sys(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "prctl", "PR_CAP_AMBIENT"));
  }
  return {};
}

}  // namespace tsrunc
