#include "file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>

#include "../core/text.h"

namespace tsrunc {
namespace {

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

Status configure_all(int context, const StringList& options, const char* target) {
  Status status;
  options.each([&](const char* option) {
    if (status.ok()) status = configure(context, option, target);
  });
  return status;
}

}  // namespace

Result<UniqueFd> make_file_system(const FileSystem& wanted, uint64_t attributes,
                                  const char* target) {
  UniqueFd context = TRY(check_fd(sys(SYS_fsopen, wanted.type, FSOPEN_CLOEXEC), "fsopen", target));
  if (wanted.source[0] != 0) {
    const long result =
        sys(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "source", wanted.source, 0);
    if (result < 0) return failed(result, "fsconfig", context.get(), target).error();
  }
  TRY(configure_all(context.get(), wanted.options, target));
  const long made = sys(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (made < 0) return failed(made, "fsconfig", context.get(), target).error();
  const long mount = sys(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, attributes);
  if (mount < 0) return failed(mount, "fsmount", context.get(), target).error();
  return UniqueFd(static_cast<int>(mount));
}

Status reconfigure(int mount, const StringList& options, const char* target) {
  constexpr unsigned kFlags = FSPICK_CLOEXEC | FSPICK_EMPTY_PATH;
  UniqueFd context = TRY(check_fd(sys(SYS_fspick, mount, "", kFlags), "fspick", target));
  TRY(configure_all(context.get(), options, target));
  const long done = sys(SYS_fsconfig, context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0);
  return done < 0 ? failed(done, "fsconfig", context.get(), target) : Status{};
}

}  // namespace tsrunc
