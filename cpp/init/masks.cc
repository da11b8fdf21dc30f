#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>

#include "executor.h"
#include "mount_tree.h"
#include "resolve.h"

namespace tsrunc {
namespace {

/** Whether there is nothing to hide: no such path. */
bool nothing_there(const Error& error) { return error.number == ENOENT || error.number == ENOTDIR; }

Result<UniqueFd> empty_directory_mount() {
  UniqueFd context = TRY(check_fd(sys(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), "fsopen", "tmpfs"));
  TRY(check(sys(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "nr_blocks", "1", 0), "fsconfig", "tmpfs"));
  TRY(check(sys(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", "755", 0), "fsconfig", "tmpfs"));
  TRY(check(sys(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "fsconfig", "tmpfs"));
  constexpr unsigned kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return check_fd(sys(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, kAttributes), "fsmount", "tmpfs");
}

}  // namespace

/** Attaches a cover's mount itself the first time, then copies of it: only what is attached can be copied. */
Status Executor::put_cover(Cover& cover, int target, const char* path) {
  if (cover.attached) {
    UniqueFd copy = TRY(clone_tree(cover.mount.get(), "", false, path));
    return attach(copy.get(), target, path);
  }
  TRY(attach(cover.mount.get(), target, path));
  cover.attached = true;
  return {};
}

Status Executor::run(const operations::MaskPath& op) {
  auto target = open_in_root(root_.get(), op.path);
  if (!target.ok()) return nothing_there(target.error()) ? Status{} : target.error();
  struct stat status = TRY(status_of(target.value().get(), op.path));
  if (!S_ISDIR(status.st_mode)) return put_cover(null_, target.value().get(), op.path);
  if (!empty_.mount.valid()) empty_.mount = TRY(empty_directory_mount());
  return put_cover(empty_, target.value().get(), op.path);
}

Status Executor::run(const operations::ReadonlyPath& op) {
  auto target = open_in_root(root_.get(), op.path);
  if (!target.ok()) return nothing_there(target.error()) ? Status{} : target.error();
  UniqueFd tree = TRY(clone_tree(target.value().get(), "", true, op.path));
  TRY(set_attributes(tree.get(), {.set = MOUNT_ATTR_RDONLY}, op.path));
  return attach(tree.get(), target.value().get(), op.path);
}

}  // namespace tsrunc
