#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>

#include "../core/device.h"
#include "executor.h"
#include "mount_tree.h"
#include "resolve.h"

namespace tsrunc {
namespace {

bool is_device(const struct stat& status, uint32_t type, uint64_t number) {
  return (status.st_mode & S_IFMT) == type && (type == S_IFIFO || status.st_rdev == number);
}

/** The node that was made, with its owner and mode, both of which mknod gets wrong, as a detached mount. */
Result<UniqueFd> own_node(const operations::OpenNode& op) {
  TRY(check(sys(SYS_fchownat, AT_FDCWD, op.file, op.uid, op.gid, 0), "chown", op.path));
  TRY(check(sys(SYS_fchmodat, AT_FDCWD, op.file, op.mode & 07777), "chmod", op.path));
  UniqueFd node = TRY(clone_tree(AT_FDCWD, op.file, false, op.path));
  TRY(set_attributes(node.get(), {0, MOUNT_ATTR_NODEV, 0, 0}, op.path));
  return node;
}

}  // namespace

Status Executor::run(const operations::MakeNode& op) {
  const Place place = TRY(make_place(root_.get(), op.path));
  const uint64_t number = op.type == S_IFIFO ? 0 : device_number(op.major, op.minor);
  const long made = sys(SYS_mknodat, place.directory.get(), place.name, op.type | (op.mode & 07777), number);
  if (made < 0 && made != -EEXIST) return check(made, "mknod", op.path);
  UniqueFd node = TRY(check_fd(
      sys(SYS_openat, place.directory.get(), place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", op.path));
  struct stat status = TRY(status_of(node.get(), op.path));
  if (!is_device(status, op.type, number)) {
    return Error{0, "mknod", op.path, "something else than this device is there already"};
  }
  if (made == -EEXIST) return {};
  // Both again: mknod's mode went through the umask, and a device may belong to any user. O_PATH
  // descriptors can't be fchmod'ed, and by name a link could be in its place by now: procfs leads to the node itself.
  TRY(check(sys(SYS_fchownat, node.get(), "", op.uid, op.gid, AT_EMPTY_PATH), "chown", op.path));
  Text<32> link;
  link.add("self/fd/").add_number(static_cast<uint64_t>(node.get()));
  return check(sys(SYS_fchmodat, proc_.get(), link.get(), op.mode & 07777), "chmod", op.path);
}

// In the root's own folder, where no name leads elsewhere; its file system may be one without devices. The file
// stays there as long as the container: what has no name any more can't be mounted.
Status Executor::run(const operations::OpenNode& op) {
  UniqueFd& slot = *TRY(slot_of(op.slot, op.path));
  const uint64_t number = device_number(op.major, op.minor);
  TRY(check(sys(SYS_mknodat, AT_FDCWD, op.file, op.type | (op.mode & 07777), number), "mknod", op.path));
  slot = TRY(own_node(op));
  return {};
}

Status Executor::run(const operations::BindNode& op) {
  UniqueFd tree = TRY(source_tree(op.slot, op.source, false));
  struct stat status = TRY(status_of(tree.get(), op.source));
  if (!is_device(status, op.type, device_number(op.major, op.minor))) {
    return Error{0, "open_tree", op.source, "the host has something else than this device there"};
  }
  UniqueFd target = TRY(make_in_root(root_.get(), op.path, Missing::File));
  return attach(tree.get(), target.get(), op.path);
}

Status Executor::run(const operations::Symlink& op) {
  const Place place = TRY(make_place(root_.get(), op.path));
  long made = sys(SYS_symlinkat, op.text, place.directory.get(), place.name);
  if (made == -EEXIST && op.replace) {
    TRY(check(sys(SYS_unlinkat, place.directory.get(), place.name, 0), "unlink", op.path));
    made = sys(SYS_symlinkat, op.text, place.directory.get(), place.name);
  }
  return made == -EEXIST ? Status{} : check(made, "symlink", op.path);
}

}  // namespace tsrunc
