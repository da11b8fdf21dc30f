// Acts on files by their paths, with Node's own errors (ts/native/files.ts says why not Node's functions).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {
namespace {

std::string path_of(const Napi::CallbackInfo& info, size_t index = 0) {
  return to_text(info[index], "a path");
}

uint32_t mode_of(const Napi::Value& value, uint32_t otherwise) {
  return value.IsUndefined() ? otherwise : to_u32(value, "a mode");
}

int open_path(Napi::Env env, const std::string& path, int flags, uint32_t mode) {
  long fd;
  do {
    fd = sys(SYS_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd == -EINTR);
  return static_cast<int>(checked(env, fd, "open", path));
}

/** What is left in a file, `most` bytes of it. Those of the kernel's have no size, and are small. */
std::string read_rest(Napi::Env env, int fd, const std::string& path,
                      size_t most = std::numeric_limits<size_t>::max()) {
  std::string text;
  size_t size = 0;
  for (size_t room = 4096; size < most; room *= 2) {
    text.resize(size + std::min(room, most - size));
    while (size < text.size()) {
      const long got = sys(SYS_read, fd, text.data() + size, text.size() - size);
      if (got == -EINTR) continue;
      if (checked(env, got, "read", path) == 0) {
        text.resize(size);
        return text;
      }
      size += static_cast<size_t>(got);
    }
  }
  return text;
}

Napi::Value describe(Napi::Env env, const struct stat& status) {
  Napi::Object result = Napi::Object::New(env);
  result["mode"] = Napi::Number::New(env, status.st_mode);
  result["uid"] = Napi::Number::New(env, status.st_uid);
  result["size"] = Napi::Number::New(env, static_cast<double>(status.st_size));
  result["device"] = Napi::BigInt::New(env, static_cast<uint64_t>(status.st_dev));
  result["inode"] = Napi::BigInt::New(env, static_cast<uint64_t>(status.st_ino));
  return result;
}

Napi::Value describe_path(const Napi::CallbackInfo& info, int flags, const char* name) {
  const std::string path = path_of(info);
  struct stat status{};
  checked(info.Env(), sys(SYS_newfstatat, AT_FDCWD, path.c_str(), &status, flags), name, path);
  return describe(info.Env(), status);
}

}  // namespace

Napi::Value open_file(const Napi::CallbackInfo& info) {
  const auto flags = static_cast<int>(to_u32(info[1], "the flags"));
  return Napi::Number::New(info.Env(),
                           open_path(info.Env(), path_of(info), flags, mode_of(info[2], 0)));
}

Napi::Value read_text(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const size_t most =
      info[1].IsUndefined() ? std::numeric_limits<size_t>::max() : to_u32(info[1], "a size");
  if (info[0].IsNumber()) return Napi::String::New(env, read_rest(env, to_fd(info[0]), {}, most));
  const std::string path = path_of(info);
  const UniqueFd fd(open_path(env, path, O_RDONLY, 0));
  return Napi::String::New(env, read_rest(env, fd.get(), path, most));
}

Napi::Value read_bytes(const Napi::CallbackInfo& info) {
  const std::string bytes = read_rest(info.Env(), to_fd(info[0]), {});
  return Napi::Buffer<char>::Copy(info.Env(), bytes.data(), bytes.size());
}

void write_text(const Napi::CallbackInfo& info) {
  const int fd = to_fd(info[0]);
  if (!info[1].IsString()) throw argument_error(info.Env(), "what is written must be a string");
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  for (size_t done = 0;;) {
    const long wrote = sys(SYS_write, fd, text.data() + done, text.size() - done);
    if (wrote != -EINTR) done += static_cast<size_t>(checked(info.Env(), wrote, "write"));
    if (wrote != -EINTR && done >= text.size()) return;
  }
}

Napi::Value status_of_path(const Napi::CallbackInfo& info) { return describe_path(info, 0, "stat"); }

Napi::Value status_of_link(const Napi::CallbackInfo& info) {
  return describe_path(info, AT_SYMLINK_NOFOLLOW, "lstat");
}

Napi::Value status_of_fd(const Napi::CallbackInfo& info) {
  struct stat status{};
  checked(info.Env(), sys(SYS_newfstatat, to_fd(info[0]), "", &status, AT_EMPTY_PATH), "fstat");
  return describe(info.Env(), status);
}

Napi::Value path_exists(const Napi::CallbackInfo& info) {
  const long result = sys(SYS_faccessat, AT_FDCWD, path_of(info).c_str(), F_OK);
  return Napi::Boolean::New(info.Env(), result == 0);
}

Napi::Value real_path(const Napi::CallbackInfo& info) {
  const std::string path = path_of(info);
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  if (real == nullptr) throw system_error(info.Env(), errno, "realpath", path);
  return Napi::String::New(info.Env(), real.get());
}

Napi::Value list_directory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = path_of(info);
  const std::unique_ptr<DIR, decltype(&closedir)> directory(opendir(path.c_str()), closedir);
  if (directory == nullptr) throw system_error(env, errno, "opendir", path);
  Napi::Array names = Napi::Array::New(env);
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names[names.Length()] = Napi::String::New(env, entry->d_name);
    errno = 0;
  }
  if (errno != 0) throw system_error(env, errno, "readdir", path);
  return names;
}

void make_directory(const Napi::CallbackInfo& info) {
  const std::string path = path_of(info);
  const uint32_t mode = mode_of(info[1], 0777);
  checked(info.Env(), sys(SYS_mkdirat, AT_FDCWD, path.c_str(), mode), "mkdir", path);
}

void remove_directory(const Napi::CallbackInfo& info) {
  const std::string path = path_of(info);
  checked(info.Env(), sys(SYS_unlinkat, AT_FDCWD, path.c_str(), AT_REMOVEDIR), "rmdir", path);
}

void remove_file(const Napi::CallbackInfo& info) {
  const std::string path = path_of(info);
  checked(info.Env(), sys(SYS_unlinkat, AT_FDCWD, path.c_str(), 0), "unlink", path);
}

void rename_file(const Napi::CallbackInfo& info) {
  const std::string from = path_of(info);
  const std::string to = path_of(info, 1);
  checked(info.Env(), sys(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0), "rename",
          from);
}

}  // namespace tsrunc::addon
