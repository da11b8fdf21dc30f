// Extended attributes, ACLs among them.
#pragma once

namespace tsrunc {

/**
 * Copies those that mean something on another file system. Both descriptors are open for more than
 * their path. Returns a negative errno, and which system call it comes from, or 0.
 */
long copy_xattrs(int from, int to, const char*& syscall);

}  // namespace tsrunc
