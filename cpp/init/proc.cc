// Writes to /proc: always through the runtime's own procfs, checked to be one and opened before the
// container could have a say in it (CVE-2019-16884, 2019-19921, 2023-28642, 2025-52881).
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/vfs.h>

#include "executor.h"
#include "proc.h"
#include "resolve.h"

namespace tsrunc {
namespace {

/** The inode of procfs' root. */
constexpr uint64_t kProcRoot = 1;

}  // namespace

Result<UniqueFd> open_in_proc(int proc, const char* file, const char* what, int flags, bool links) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC | O_NOFOLLOW;
  how.resolve =
      RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | (links ? 0 : RESOLVE_NO_SYMLINKS);
  return check_fd(sys(SYS_openat2, proc, file, &how, sizeof how), "openat2", what);
}

Status write_in_proc(int proc, const char* file, const char* what, const char* value, bool links) {
  UniqueFd fd = TRY(open_in_proc(proc, file, what, O_WRONLY, links));
  return check(sys(SYS_write, fd.get(), value, length(value)), "write", what);
}

Status Executor::run(const operations::OpenProc&) {
  proc_ = TRY(check_fd(sys(SYS_openat, AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open",
                       "/proc"));
  struct statfs fs {};
  TRY(check(sys(SYS_fstatfs, proc_.get(), &fs), "fstatfs", "/proc"));
  struct stat status = TRY(status_of(proc_.get(), "/proc"));
  if (fs.f_type != PROC_SUPER_MAGIC || status.st_ino != kProcRoot) {
    return Error{0, "", "/proc", "this is not the root of a procfs"};
  }
  return {};
}

Status Executor::run(const operations::SetOomScoreAdj& op) {
  Text<16> value;
  const int64_t number = op.value;
  if (number < 0) value.add("-");
  value.add_number(static_cast<uint64_t>(number < 0 ? -number : number));
  return write_in_proc(proc_.get(), "self/oom_score_adj", "/proc/self/oom_score_adj", value.get(),
                       true);
}

Status Executor::run(const operations::WriteSysctl& op) {
  PathText file;
  file.add("sys/").add(op.name);
  if (file.overflowed()) return Error{ENAMETOOLONG, "openat2", op.name};
  return write_in_proc(proc_.get(), file.get(), op.name, op.value, false);
}

Status Executor::run(const operations::WriteAttribute& op) {
  PathText file;
  file.add("self/attr/").add(op.attribute);
  if (file.overflowed()) return Error{ENAMETOOLONG, "openat2", op.attribute};
  return write_in_proc(proc_.get(), file.get(), op.attribute, op.value, true);
}

}  // namespace tsrunc
