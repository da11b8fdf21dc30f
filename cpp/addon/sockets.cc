// AF_UNIX sockets, at paths of any length.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <string>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "waits.h"

namespace tsrunc::addon {
namespace {

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD

/** A start is one connection, but callers of a host come in crowds. */
constexpr int kBacklog = 512;

/** What a path that begins with `@` is: a file's, or the abstract name that sd_notify(3) takes it
 * for. */
enum class Names { Files, Abstract };

/** A socket's address. A path too long for sun_path goes through a descriptor of its directory. */
class Address {
 public:
  Address(Napi::Env env, const std::string& path, Names names = Names::Files) : path_(path) {
    if (names == Names::Abstract && path.starts_with('@')) {
      name_abstract(env);
      return;
    }
    // An empty name would be a random abstract socket, which every process could reach.
    if (path.empty()) throw argument_error(env, "a socket's path must not be empty");
    if (path.size() >= sizeof address_.sun_path) shorten(env);
    path_.copy(address_.sun_path, sizeof address_.sun_path - 1);
  }

  [[nodiscard]] const sockaddr_un* get() const { return &address_; }
  [[nodiscard]] size_t size() const { return size_; }
  /** What names the socket's file as long as this object lives. */
  [[nodiscard]] const char* path() const { return path_.c_str(); }

 private:
  void name_abstract(Napi::Env env) {
    if (path_.size() < 2 || path_.size() > sizeof address_.sun_path) {
      throw system_error(env, EINVAL, "connect", path_,
                         "an abstract name has from 1 to 107 characters");
    }
    path_.copy(address_.sun_path, path_.size());
    address_.sun_path[0] = '\0';
    // All bytes count, so those that follow must not be there.
    size_ = offsetof(sockaddr_un, sun_path) + path_.size();
  }

  void shorten(Napi::Env env) {
    const std::string whole = path_;
    const size_t slash = whole.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : whole.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? whole : whole.substr(slash + 1);
    const long fd = sys(SYS_openat, AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    directory_ = UniqueFd(static_cast<int>(checked(env, fd, "open", directory)));
    path_ = "/proc/self/fd/" + std::to_string(directory_.get()) + "/" + name;
    if (path_.size() >= sizeof address_.sun_path) {
      throw system_error(env, ENAMETOOLONG, "bind", whole,
                         "a socket's name can have about 90 characters");
    }
  }

  std::string path_;
  UniqueFd directory_;
  sockaddr_un address_{AF_UNIX, {}};
  size_t size_ = sizeof address_;
};

UniqueFd make_socket(Napi::Env env, int type) {
  return UniqueFd(
      static_cast<int>(checked(env, sys(SYS_socket, AF_UNIX, type | SOCK_CLOEXEC, 0), "socket")));
}

/** Gives the owner the bits that an odd umask took: through a descriptor, so that no symlink is
 * followed. */
long restore_mode(const char* path, unsigned mode) {
  const long opened = sys(SYS_openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) return opened;
  const UniqueFd file(static_cast<int>(opened));
  struct stat status {};
  const long looked = sys(SYS_newfstatat, file.get(), "", &status, AT_EMPTY_PATH);
  if (looked < 0 || (status.st_mode & 07777) == mode) return looked;
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  return sys(SYS_fchmodat, AT_FDCWD, link.c_str(), mode);
}

std::optional<Napi::Value> accept_once(Napi::Env env, int listener, int /*events*/) {
  // It may be a service manager's, and another wait may have taken what woke this one.
  checked(env, sys(SYS_fcntl, listener, F_SETFL, O_RDWR | O_NONBLOCK), "fcntl");
  long accepted;
  do {
    accepted = sys(SYS_accept4, listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (accepted == -EINTR || accepted == -ECONNABORTED);
  if (accepted == -EAGAIN) return std::nullopt;
  UniqueFd socket(static_cast<int>(checked(env, accepted, "accept4")));
  ucred peer{};
  socklen_t size = sizeof peer;
  checked(env, sys(SYS_getsockopt, socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size),
          "getsockopt");
  // Since Linux 6.5, of the process that connected, whoever has its number now.
  int pidfd = -1;
  socklen_t pidfd_size = sizeof pidfd;
  const long told = sys(SYS_getsockopt, socket.get(), SOL_SOCKET, kPeerPidfd, &pidfd, &pidfd_size);
  if (told < 0)
    pidfd = static_cast<int>(checked(env, sys(SYS_pidfd_open, peer.pid, 0), "pidfd_open"));
  Napi::Object result = Napi::Object::New(env);
  result["pidfd"] = Napi::Number::New(env, pidfd);
  result["pid"] = Napi::Number::New(env, peer.pid);
  result["uid"] = Napi::Number::New(env, peer.uid);
  result["socket"] = Napi::Number::New(env, socket.release());
  return result;
}

constexpr Operation kAccept{accept_once, true};

}  // namespace

Napi::Value accept_next(const Napi::CallbackInfo& info) {
  return Waits::of(info.Env()).wait(to_fd(info[0]), kAccept);
}

Napi::Value socket_pair(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int ends[2] = {-1, -1};
  checked(env, sys(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  checked(env, sys(SYS_fcntl, ours.get(), F_SETFL, O_RDWR | O_NONBLOCK), "fcntl");
  Napi::Array result = Napi::Array::New(env, 2);
  result[0u] = ours.release();
  result[1u] = theirs.release();
  return result;
}

Napi::Value listen_at(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = to_text(info[0], "a socket's path");
  UniqueFd socket = make_socket(env, SOCK_SEQPACKET);
  const Address address(env, path);
  // A bound file has its socket's mode less the umask: never more than this, not even for a moment.
  checked(env, sys(SYS_fchmod, socket.get(), 0600), "fchmod");
  checked(env, sys(SYS_bind, socket.get(), address.get(), sizeof(sockaddr_un)), "bind", path);
  long result = restore_mode(address.path(), 0600);
  const char* failed = "chmod";
  if (result == 0) {
    result = sys(SYS_listen, socket.get(), kBacklog);
    failed = "listen";
  }
  if (result < 0) sys(SYS_unlinkat, AT_FDCWD, address.path(), 0);
  checked(env, result, failed, path);
  return Napi::Number::New(env, socket.release());
}

Napi::Value bind_datagram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = to_text(info[0], "a socket's path");
  UniqueFd socket = make_socket(env, SOCK_DGRAM | SOCK_NONBLOCK);
  const Address address(env, path);
  checked(env, sys(SYS_bind, socket.get(), address.get(), address.size()), "bind", path);
  // Whoever the container's user is: the folder says who comes here.
  const long opened = restore_mode(address.path(), 0777);
  if (opened < 0) sys(SYS_unlinkat, AT_FDCWD, address.path(), 0);
  checked(env, opened, "chmod", path);
  return Napi::Number::New(env, socket.release());
}

Napi::Value connect_to(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = to_text(info[0], "a socket's path");
  const std::string type = to_text(info[1], "a socket's type");
  const bool datagram = type == "datagram";
  if (!datagram && type != "stream" && type != "seqpacket") {
    throw argument_error(env, "a socket's type must be 'stream', 'seqpacket' or 'datagram'");
  }
  const int kind = datagram ? SOCK_DGRAM : type == "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
  UniqueFd socket = make_socket(env, kind | SOCK_NONBLOCK);
  const Address address(env, path, datagram ? Names::Abstract : Names::Files);
  checked(env, sys(SYS_connect, socket.get(), address.get(), address.size()), "connect", path);
  return Napi::Number::New(env, socket.release());
}

}  // namespace tsrunc::addon
