// Files as a whole, and descriptors without a peer: memfds, pipes, locks.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../core/syscall.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "memfd.h"
#include "waits.h"

namespace tsrunc::addon {
namespace {

/** A file's pages, all of them at once: a fault for each would take ten times as long. */
std::span<uint8_t> map(Napi::Env env, const std::string& path) {
  const UniqueFd fd(static_cast<int>(
      checked(env, sys(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC), "open", path)));
  struct stat status{};
  checked(env, sys(SYS_newfstatat, fd.get(), "", &status, AT_EMPTY_PATH), "fstat", path);
  const auto size = static_cast<size_t>(status.st_size);
  const long address = checked(
      env, sys(SYS_mmap, nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0L), "mmap",
      path);
  return {reinterpret_cast<uint8_t*>(address), size};
}

}  // namespace

Napi::Value map_file(const Napi::CallbackInfo& info) {
  const std::span<uint8_t> bytes = map(info.Env(), to_text(info[0], "a path"));
  const auto unmap = [size = bytes.size()](Napi::Env /*env*/, void* address) {
    sys(SYS_munmap, address, size);
  };
  const auto buffer = Napi::ArrayBuffer::New(info.Env(), bytes.data(), bytes.size(), unmap);
  return Napi::Uint8Array::New(info.Env(), bytes.size(), buffer, 0);
}

Napi::Value read_latin1(const Napi::CallbackInfo& info) {
  const std::span<uint8_t> bytes = map(info.Env(), to_text(info[0], "a path"));
  napi_value text = nullptr;
  const napi_status status = napi_create_string_latin1(
      info.Env(), reinterpret_cast<const char*>(bytes.data()), bytes.size(), &text);
  sys(SYS_munmap, bytes.data(), bytes.size());
  if (status != napi_ok) throw Napi::Error::New(info.Env());
  return Napi::Value(info.Env(), text);
}

Napi::Value latin1_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) throw argument_error(env, "the text must be a string");
  size_t size = 0;
  napi_get_value_string_latin1(env, info[0], nullptr, 0, &size);
  // With room for the NUL that is written behind it.
  auto buffer = Napi::ArrayBuffer::New(env, size + 1);
  napi_get_value_string_latin1(env, info[0], static_cast<char*>(buffer.Data()), size + 1, nullptr);
  return Napi::Uint8Array::New(env, size, buffer, 0);
}

Napi::Value file_system_type(const Napi::CallbackInfo& info) {
  const std::string path = to_text(info[0], "a path");
  struct statfs status{};
  if (sys(SYS_statfs, path.c_str(), &status) < 0) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<double>(status.f_type));
}

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
