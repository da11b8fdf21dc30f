#include "mount_tree.h"

#include <fcntl.h>
#include <linux/mount.h>

namespace tsrunc {
namespace {

constexpr int kRecursive = 0x8000;  // AT_RECURSIVE, which <fcntl.h> doesn't have

Status mount_setattr(int mount, bool recursive, mount_attr& attributes, const char* what) {
  const int flags = AT_EMPTY_PATH | (recursive ? kRecursive : 0);
  return check(sys(SYS_mount_setattr, mount, "", flags, &attributes, sizeof attributes), "mount_setattr", what);
}

/** The kernel wants all of the access time bits cleared when one of them is set. */
uint64_t with_access_time(uint64_t set, uint64_t clear) {
  constexpr uint64_t kModes = MOUNT_ATTR__ATIME;
  return (set & kModes) != 0 || (clear & kModes) != 0 ? clear | kModes : clear;
}

}  // namespace

Result<UniqueFd> clone_tree(int directory, const char* path, bool recursive, const char* what) {
  const int flags = static_cast<int>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) | (recursive ? kRecursive : 0) |
                    (path[0] == 0 ? AT_EMPTY_PATH : 0);
  return check_fd(sys(SYS_open_tree, directory, path, flags), "open_tree", what);
}

Status attach(int tree, int target, const char* what) {
  return check(sys(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
               "move_mount", what);
}

Status set_attributes(int mount, const MountAttributes& attributes, const char* what) {
  if ((attributes.set | attributes.clear) != 0) {
    mount_attr one{};
    one.attr_set = attributes.set;
    one.attr_clr = with_access_time(attributes.set, attributes.clear);
    TRY(mount_setattr(mount, false, one, what));
  }
  if ((attributes.recursive_set | attributes.recursive_clear) != 0) {
    mount_attr all{};
    all.attr_set = attributes.recursive_set;
    all.attr_clr = with_access_time(attributes.recursive_set, attributes.recursive_clear);
    TRY(mount_setattr(mount, true, all, what));
  }
  return {};
}

Status map_ids(int mount, int user_namespace, bool all, const char* what) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user_namespace);
  return mount_setattr(mount, all, attributes, what);
}

Status set_propagation(int mount, uint32_t flags, const char* what) {
  mount_attr attributes{};
  attributes.propagation = flags & ~static_cast<uint32_t>(MS_REC);
  return mount_setattr(mount, (flags & MS_REC) != 0, attributes, what);
}

}  // namespace tsrunc
