#include "xattrs.h"

#include <errno.h>
#include <stddef.h>

#include "../core/syscall.h"
#include "../core/text.h"

namespace tsrunc {
namespace {

/** XATTR_LIST_MAX and XATTR_SIZE_MAX: nothing is longer. */
constexpr size_t kLongest = 65536;

/**
 * Labels are the business of the mount (mountLabel), and signatures (ima, evm) are of the inode
 * that they were made for. File capabilities are the exception.
 */
bool worth_copying(const char* name) {
  return !starts_with(name, "security.") || equal(name, "security.capability");
}

}  // namespace

long copy_xattrs(int from, int to, const char*& syscall) {
  static char names[kLongest];
  static char value[kLongest];
  syscall = "flistxattr";
  const long size = sys(SYS_flistxattr, from, names, sizeof names);
  if (size < 0) return size == -EOPNOTSUPP ? 0 : size;
  for (long at = 0; at < size;) {
    const char* name = names + at;
    at += static_cast<long>(length(name)) + 1;
    if (!worth_copying(name)) continue;
    syscall = "fgetxattr";
    const long found = sys(SYS_fgetxattr, from, name, value, sizeof value);
    if (found == -ENODATA) continue;
    if (found < 0) return found;
    syscall = "fsetxattr";
    const long set = sys(SYS_fsetxattr, to, name, value, found, 0);
    // An older tmpfs has no attributes for users (before Linux 6.6).
    if (set < 0 && set != -EOPNOTSUPP) return set;
  }
  return 0;
}

}  // namespace tsrunc
