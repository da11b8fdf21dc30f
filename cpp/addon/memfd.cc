#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>

#include "../core/syscall.h"
#include "errors.h"

// Linux 6.3 asks for one of the first two and refuses what it doesn't know before; older headers
// have none.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

namespace tsrunc::addon {
namespace {

UniqueFd create(Napi::Env env, const std::string& name, Executable executable) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const unsigned newer = executable == Executable::Yes ? MFD_EXEC : MFD_NOEXEC_SEAL;
  long fd = sys(SYS_memfd_create, name.c_str(), flags | newer);
  if (fd == -EINVAL) fd = sys(SYS_memfd_create, name.c_str(), flags);
  return UniqueFd(static_cast<int>(checked(env, fd, "memfd_create", name)));
}

void fill(Napi::Env env, int fd, std::span<const uint8_t> content) {
  size_t done = 0;
  while (done < content.size()) {
    const long written = sys(SYS_pwrite64, fd, content.data() + done, content.size() - done, done);
    if (written != -EINTR) done += static_cast<size_t>(checked(env, written, "pwrite"));
  }
}

void seal(Napi::Env env, int fd) {
  const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  // The x bits too, where the kernel knows how: a container could take them from init through
  // /proc/PID/exe.
  long result = sys(SYS_fcntl, fd, F_ADD_SEALS, seals | F_SEAL_EXEC);
  if (result == -EINVAL) result = sys(SYS_fcntl, fd, F_ADD_SEALS, seals);
  checked(env, result, "fcntl");
}

}  // namespace

UniqueFd sealed_memfd(Napi::Env env, const std::string& name, std::span<const uint8_t> content,
                      Executable executable) {
  UniqueFd fd = create(env, name, executable);
  fill(env, fd.get(), content);
  // For everybody, since a user namespace's root is somebody else: a program that its own process
  // may not read also makes that process undumpable, and its /proc unwritable for the parent.
  checked(env, sys(SYS_fchmod, fd.get(), executable == Executable::Yes ? 0555 : 0444), "fchmod");
  seal(env, fd.get());
  return fd;
}

}  // namespace tsrunc::addon
