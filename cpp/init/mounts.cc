#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>

#include "executor.h"
#include "mount_tree.h"
#include "resolve.h"

namespace tsrunc {
namespace {

/** fsconfig takes no longer values; mount(2) does. */
constexpr size_t kLongestValue = 255;

template <typename Operation>
MountAttributes attributes_of(const Operation& op) {
  return {op.set, op.clear, op.recursive_set, op.recursive_clear};
}

template <typename Operation>
Status propagate(int mount, const Operation& op) {
  for (uint32_t i = 0; i < op.propagation.size(); ++i) {
    TRY(set_propagation(mount, op.propagation[i], op.target));
  }
  return {};
}

uint64_t resolution(bool no_symlinks) { return no_symlinks ? RESOLVE_NO_SYMLINKS : 0; }

/** What the kernel has to say about the last failure: the lines that fsopen's descriptor gives. */
const char* kernel_log(int context) {
  static char text[512];
  const long size = sys(SYS_read, context, text, sizeof text - 1);
  if (size <= 0) return "";
  text[size] = 0;
  for (char* c = text; *c != 0; ++c) {
    if (*c == '\n') *c = 0;
  }
  // Each line begins with its weight: "e " for an error.
  return text[0] != 0 && text[1] == ' ' ? text + 2 : text;
}

Status failed(long result, const char* syscall, int context, const char* target) {
  return Error{static_cast<int>(-result), syscall, target, kernel_log(context)};
}

Status configure(int context, const char* option, const char* target) {
  const char* equals = find(option, '=');
  if (equals == nullptr) {
    const long result = sys(SYS_fsconfig, context, FSCONFIG_SET_FLAG, option, nullptr, 0);
    return result < 0 ? failed(result, "fsconfig", context, target) : Status{};
  }
  Text<256> key;
  key.add(option, static_cast<size_t>(equals - option));
  if (key.overflowed()) return Error{EINVAL, "fsconfig", target, option};
  const long result = sys(SYS_fsconfig, context, FSCONFIG_SET_STRING, key.get(), equals + 1, 0);
  return result < 0 ? failed(result, "fsconfig", context, target) : Status{};
}

bool has_long_option(const operations::Mount& op) {
  bool found = length(op.source) > kLongestValue;
  op.options.each([&](const char* option) {
    const char* equals = find(option, '=');
    found = found || (equals != nullptr && length(equals + 1) > kLongestValue);
  });
  return found;
}

Result<UniqueFd> make_mount(const operations::Mount& op) {
  UniqueFd context = TRY(check_fd(sys(SYS_fsopen, op.type, FSOPEN_CLOEXEC), "fsopen", op.target));
  if (op.source[0] != 0) {
    const long result = sys(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "source", op.source, 0);
    if (result < 0) return failed(result, "fsconfig", context.get(), op.target).error();
  }
  Status status;
  op.options.each([&](const char* option) {
    if (status.ok()) status = configure(context.get(), option, op.target);
  });
  TRY(status);
  const long made = sys(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (made < 0) return failed(made, "fsconfig", context.get(), op.target).error();
  const long mount = sys(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, op.set);
  if (mount < 0) return failed(mount, "fsmount", context.get(), op.target).error();
  return UniqueFd(static_cast<int>(mount));
}

}  // namespace

Status Executor::run(const operations::OpenSource& op) {
  if (op.slot == 0 || op.slot >= kSlots) return Error{EMFILE, "open_tree", op.source};
  sources_[op.slot] = TRY(clone_tree(AT_FDCWD, op.source, op.recursive, op.source));
  return {};
}

Result<UniqueFd> Executor::source_tree(uint32_t slot, const char* source, bool recursive) {
  if (slot == 0) return clone_tree(AT_FDCWD, source, recursive, source);
  if (slot >= kSlots || !sources_[slot].valid()) return malformed().error();
  return static_cast<UniqueFd&&>(sources_[slot]);
}

Status Executor::run(const operations::Mount& op) {
  UniqueFd target = TRY(make_in_root(root_.get(), op.target, Missing::Directory, resolution(op.no_symlinks)));
  if (has_long_option(op)) return mount_long_options(op, target.get());
  UniqueFd mount = TRY(make_mount(op));
  TRY(set_attributes(mount.get(), {0, op.clear, op.recursive_set, op.recursive_clear}, op.target));
  TRY(attach(mount.get(), target.get(), op.target));
  return propagate(mount.get(), op);
}

/** The old interface, with the target named through our own descriptor. */
Status Executor::mount_long_options(const operations::Mount& op, int target) {
  PathText data;
  op.options.each([&](const char* option) { data.add(data.size() == 0 ? "" : ",").add(option); });
  if (data.overflowed()) return Error{E2BIG, "mount", op.target, "the options are longer than a page"};
  Text<64> place;
  place.add("/proc/self/fd/").add_number(static_cast<uint64_t>(target));
  TRY(check(sys(SYS_mount, op.source, place.get(), op.type, 0, data.get()), "mount", op.target));
  UniqueFd mount = TRY(open_in_root(root_.get(), op.target, O_PATH, resolution(op.no_symlinks)));
  TRY(set_attributes(mount.get(), attributes_of(op), op.target));
  return propagate(mount.get(), op);
}

Status Executor::run(const operations::BindMount& op) {
  UniqueFd tree = TRY(source_tree(op.slot, op.source, op.recursive));
  struct stat source = TRY(status_of(tree.get(), op.source));
  const Missing leaf = S_ISDIR(source.st_mode) ? Missing::Directory : Missing::File;
  UniqueFd target = TRY(make_in_root(root_.get(), op.target, leaf, resolution(op.no_symlinks)));
  TRY(set_attributes(tree.get(), attributes_of(op), op.target));
  TRY(attach(tree.get(), target.get(), op.target));
  return propagate(tree.get(), op);
}

Status Executor::run(const operations::Remount& op) {
  UniqueFd mount = TRY(open_in_root(root_.get(), op.target));
  TRY(set_attributes(mount.get(), attributes_of(op), op.target));
  return propagate(mount.get(), op);
}

}  // namespace tsrunc
