#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "../core/device.h"
#include "executor.h"
#include "mount_tree.h"
#include "resolve.h"

namespace tsrunc {
namespace {

constexpr int kDetach = 2;  // MNT_DETACH of <sys/mount.h>, which can't be included beside <linux/mount.h>

/**
 * Makes the mount that the working directory lies in private. pivot_root refuses a new root whose
 * parent mount is shared. Its root is found by walking up: mountinfo can have thousands of lines.
 */
Status make_parent_private() {
  UniqueFd directory =
      TRY(check_fd(sys(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "rootfs"));
  for (;;) {
    struct statx status{};
    TRY(check(sys(SYS_statx, directory.get(), "", AT_EMPTY_PATH, STATX_TYPE, &status), "statx", "rootfs"));
    if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) break;
    directory = TRY(check_fd(
        sys(SYS_openat, directory.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "rootfs/.."));
  }
  return set_propagation(directory.get(), MS_PRIVATE, "parent mount of the rootfs");
}

}  // namespace

Status Executor::run(const operations::EnterRootfs& op) {
  return check(sys(SYS_chdir, op.source), "chdir", op.source);
}

Status Executor::run(const operations::SetMountPropagation& op) {
  UniqueFd top = TRY(check_fd(sys(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/"));
  return set_propagation(top.get(), op.flags, "/");
}

/** For masked files, while the host's /dev is in sight. CVE-2025-31133: it has to be the null device. */
Status Executor::take_null_device() {
  const char* path = "/dev/null";
  UniqueFd device = TRY(check_fd(sys(SYS_openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", path));
  struct stat status = TRY(status_of(device.get(), path));
  if (!S_ISCHR(status.st_mode) || status.st_rdev != device_number(1, 3)) {
    return Error{0, "", path, "the host's /dev/null is not the null device (character 1:3)"};
  }
  null_.mount = TRY(clone_tree(device.get(), "", false, path));
  return {};
}

Status Executor::run(const operations::OpenRoot& op) {
  TRY(take_null_device());
  if (!op.mount) {
    root_ = TRY(check_fd(sys(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "rootfs"));
    return {};
  }
  if (op.private_parent) TRY(make_parent_private());
  // The working directory came along into this mount namespace, even where the path to it can't be
  // walked by the container's root.
  UniqueFd tree = TRY(clone_tree(AT_FDCWD, ".", true, "rootfs"));
  UniqueFd here = TRY(check_fd(sys(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "rootfs"));
  TRY(attach(tree.get(), here.get(), "rootfs"));
  TRY(set_propagation(tree.get(), op.propagation, "rootfs"));
  root_ = static_cast<UniqueFd&&>(tree);
  return {};
}

Status Executor::run(const operations::TakeRootOf& op) {
  Text<32> path;
  path.add_number(op.pid).add("/root");
  root_ = TRY(check_fd(sys(SYS_openat, proc_.get(), path.get(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/proc/PID/root"));
  return {};
}

Status Executor::run(const operations::AdoptRoot&) {
  root_ = TRY(check_fd(sys(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/"));
  return {};
}

Status Executor::run(const operations::ChangeRoot& op) {
  if (equal(op.method, "pivot")) {
    TRY(change_root_pivot());
  } else if (equal(op.method, "move")) {
    TRY(change_root_move());
  } else {
    TRY(check(sys(SYS_fchdir, root_.get()), "fchdir", "rootfs"));
    TRY(check(sys(SYS_chroot, "."), "chroot", "rootfs"));
  }
  TRY(check(sys(SYS_chdir, "/"), "chdir", "/"));
  // The old descriptor leads to the same place, but by a path that is gone.
  root_ = TRY(check_fd(sys(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/"));
  return {};
}

Status Executor::change_root_pivot() {
  UniqueFd old = TRY(check_fd(sys(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/"));
  TRY(check(sys(SYS_fchdir, root_.get()), "fchdir", "rootfs"));
  // With "." for both, the old root is stacked over the new one: no folder for it is needed in the image.
  TRY(check(sys(SYS_pivot_root, ".", "."), "pivot_root", "rootfs"));
  TRY(check(sys(SYS_fchdir, old.get()), "fchdir", "/"));
  // Or the detaching would reach the host's mounts.
  TRY(set_propagation(old.get(), MS_SLAVE | MS_REC, "/"));
  return check(sys(SYS_umount2, ".", kDetach), "umount2", "/");
}

Status Executor::change_root_move() {
  // What stays below the moved root could still be reached by whoever breaks out of the chroot:
  // at least no proc and no sysfs of the host is left there.
  sys(SYS_umount2, "/proc", kDetach);
  sys(SYS_umount2, "/sys", kDetach);
  TRY(check(sys(SYS_fchdir, root_.get()), "fchdir", "rootfs"));
  TRY(check(sys(SYS_mount, ".", "/", nullptr, MS_MOVE, nullptr), "mount", "rootfs"));
  return check(sys(SYS_chroot, "."), "chroot", "rootfs");
}

Status Executor::run(const operations::SetRootPropagation& op) {
  return set_propagation(root_.get(), op.flags, "/");
}

}  // namespace tsrunc
