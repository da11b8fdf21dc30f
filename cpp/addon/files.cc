// Descriptors without a peer: memfds, pipes, locks.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "../core/syscall.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "memfd.h"
#include "waits.h"

namespace tsrunc::addon {

Napi::Value memfd(const Napi::CallbackInfo& info) {
  const std::string name = to_text(info[0], "a memfd's name");
  UniqueFd fd = sealed_memfd(info.Env(), name, to_bytes(info[1]), Executable::No);
  return Napi::Number::New(info.Env(), fd.release());
}

Napi::Value make_pipe(const Napi::CallbackInfo& info) {
  int ends[2] = {-1, -1};
  checked(info.Env(), sys(SYS_pipe2, ends, O_CLOEXEC), "pipe2");
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result[0u] = ends[0];
  result[1u] = ends[1];
  return result;
}

Napi::Value try_lock(const Napi::CallbackInfo& info) {
  const int fd = to_fd(info[0]);
  long result;
  do {
    result = sys(SYS_flock, fd, LOCK_EX | LOCK_NB);
  } while (result == -EINTR);
  if (result != -EWOULDBLOCK) checked(info.Env(), result, "flock");
  return Napi::Boolean::New(info.Env(), result == 0);
}

void close_fd(const Napi::CallbackInfo& info) {
  const int fd = to_fd(info[0]);
  Waits::of(info.Env()).end(fd);
  const long result = sys(SYS_close, fd);
  // Linux has closed it even then.
  if (result != -EINTR) checked(info.Env(), result, "close");
}

}  // namespace tsrunc::addon
