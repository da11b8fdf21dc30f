#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>

#include "copy_up.h"
#include "executor.h"
#include "file_system.h"
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

bool has_long_option(const char* source, const StringList& options) {
  bool found = length(source) > kLongestValue;
  options.each([&](const char* option) {
    const char* equals = find(option, '=');
    found = found || (equals != nullptr && length(equals + 1) > kLongestValue);
  });
  return found;
}

/** What the root of a new mount takes over from the directory that it covers. */
Status take_over(int proc, const operations::Mount& op, int covered, int mount, bool existed) {
  const bool mode = op.keep_mode && existed;
  if (!mode && !op.keep_owner && !op.copy_up) return {};
  return copy_up(proc, covered, mount, {mode, op.keep_owner, op.copy_up}, op.target);
}

}  // namespace

Result<UniqueFd*> Executor::slot_of(uint32_t slot, const char* what) {
  if (slot == 0 || slot >= kSlots) return Error{EMFILE, "open_tree", what};
  return &sources_[slot];
}

Status Executor::run(const operations::OpenSource& op) {
  UniqueFd& slot = *TRY(slot_of(op.slot, op.source));
  UniqueFd tree = TRY(clone_tree(AT_FDCWD, op.source, op.recursive, op.source));
  if (op.user_namespace != 0) {
    UniqueFd& maps = *TRY(slot_of(op.user_namespace, op.source));
    TRY(map_ids(tree.get(), maps.get(), op.map_all, op.source));
  }
  slot = static_cast<UniqueFd&&>(tree);
  return {};
}

Status Executor::run(const operations::OpenFileSystem& op) {
  UniqueFd& slot = *TRY(slot_of(op.slot, op.source));
  if (has_long_option(op.source, op.options)) {
    return Error{E2BIG, "fsconfig", op.source,
                 "an option of a mount whose ids are mapped can have 255 bytes"};
  }
  UniqueFd mount = TRY(make_file_system({op.type, op.source, op.options}, 0, op.source));
  UniqueFd& maps = *TRY(slot_of(op.user_namespace, op.source));
  TRY(map_ids(mount.get(), maps.get(), op.map_all, op.source));
  slot = static_cast<UniqueFd&&>(mount);
  return {};
}

Result<UniqueFd> Executor::source_tree(uint32_t slot, const char* source, bool recursive) {
  if (slot == 0) return clone_tree(AT_FDCWD, source, recursive, source);
  if (slot >= kSlots || !sources_[slot].valid()) return malformed().error();
  return static_cast<UniqueFd&&>(sources_[slot]);
}

Status Executor::run(const operations::Mount& op) {
  const uint64_t resolve = resolution(op.no_symlinks);
  // A directory that is made for the mount has no mode that anybody has chosen.
  const bool existed = op.keep_mode && open_in_root(root_.get(), op.target, O_PATH, resolve).ok();
  UniqueFd target = TRY(make_in_root(root_.get(), op.target, Missing::Directory, resolve));
  if (op.slot == 0 && (op.flags != 0 || has_long_option(op.source, op.options))) {
    return mount_by_path(op, target.get(), existed);
  }
  FileSystem wanted{op.type, op.source, op.options};
  UniqueFd mount = op.slot == 0 ? TRY(make_file_system(wanted, op.set, op.target))
                                : TRY(source_tree(op.slot, op.source, false));
  TRY(set_attributes(mount.get(),
                     {op.slot == 0 ? 0 : op.set, op.clear, op.recursive_set, op.recursive_clear},
                     op.target));
  TRY(take_over(proc_.get(), op, target.get(), mount.get(), existed));
  TRY(attach(mount.get(), target.get(), op.target));
  return propagate(mount.get(), op);
}

/** The old interface, with the target named through our own descriptor. */
Status Executor::mount_by_path(const operations::Mount& op, int target, bool existed) {
  PathText data;
  op.options.each([&](const char* option) {
    data.add(data.size() == 0 ? "" : ",");
    // A label's categories have commas between them; SELinux takes quotes, here only.
    constexpr const char* kContext = "context=";
    const bool quote = starts_with(option, kContext) && find(option, ',') != nullptr;
    if (quote) {
      data.add(kContext).add("\"").add(option + length(kContext)).add("\"");
    } else {
      data.add(option);
    }
  });
  if (data.overflowed())
    return Error{E2BIG, "mount", op.target, "the options are longer than a page"};
  Text<64> place;
  place.add("/proc/self/fd/").add_number(static_cast<uint64_t>(target));
  TRY(check(sys(SYS_mount, op.source, place.get(), op.type, op.flags, data.get()), "mount",
            op.target));
  UniqueFd mount = TRY(open_in_root(root_.get(), op.target, O_PATH, resolution(op.no_symlinks)));
  TRY(take_over(proc_.get(), op, target, mount.get(), existed));
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
  if (op.options.size() > 0) TRY(reconfigure(mount.get(), op.options, op.target));
  TRY(set_attributes(mount.get(), attributes_of(op), op.target));
  return propagate(mount.get(), op);
}

}  // namespace tsrunc
