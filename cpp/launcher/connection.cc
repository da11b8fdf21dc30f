#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../core/text.h"

namespace tsrunc {
namespace {

/** The kernel's struct ucred, which libc declares for GNU's own only. */
struct Credentials {
  int pid;
  uint32_t uid;
  uint32_t gid;
};

constexpr int kPeerCredentials = 17;  // SO_PEERCRED
constexpr int kPassCredentials = 16;  // SO_PASSCRED
constexpr int kCredentials = 2;       // SCM_CREDENTIALS

/** Whether a process is in the namespaces that the meaning of paths and numbers depends on. */
bool is_in_our_namespaces(int pid) {
  constexpr const char* kKinds[] = {"mnt", "pid", "user"};
  for (const char* kind : kKinds) {
    struct stat ours {};
    struct stat theirs {};
    Text<64> path;
    path.add("/proc/self/ns/").add(kind);
    if (sys(SYS_newfstatat, AT_FDCWD, path.get(), &ours, 0) < 0) return false;
    path.clear();
    path.add("/proc/").add_number(static_cast<uint64_t>(pid)).add("/ns/").add(kind);
    if (sys(SYS_newfstatat, AT_FDCWD, path.get(), &theirs, 0) < 0) return false;
    if (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev) return false;
  }
  return true;
}

/** Root's service manager listens in the place of a host that it starts on demand. */
bool is_trusted(const Credentials& peer) {
  const auto own = static_cast<uint32_t>(sys(SYS_geteuid));
  return (peer.uid == own || (peer.uid == 0 && peer.pid == 1)) && is_in_our_namespaces(peer.pid);
}

/** Takes what was attached to a message. By hand, since CMSG_NXTHDR is a function of libc. */
void take_control(const char* control, size_t size, Incoming& incoming, Credentials& sender) {
  for (size_t at = 0; at + sizeof(cmsghdr) <= size;) {
    cmsghdr header;
    __builtin_memcpy(&header, control + at, sizeof header);
    if (header.cmsg_len < CMSG_LEN(0)) return;
    const char* const content = control + at + CMSG_LEN(0);
    if (header.cmsg_type == kCredentials) __builtin_memcpy(&sender, content, sizeof sender);
    const size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; header.cmsg_type == SCM_RIGHTS && i < count; ++i) {
      int fd = -1;
      __builtin_memcpy(&fd, content + i * sizeof fd, sizeof fd);
      UniqueFd received(fd);
      if (incoming.count < Incoming::kMostDescriptors)
        incoming.fds[incoming.count++] = static_cast<UniqueFd&&>(received);
    }
    at += CMSG_ALIGN(header.cmsg_len);
  }
}

}  // namespace

Result<Connection> Connection::open(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t size = length(path);
  if (size >= sizeof address.sun_path) return Error{ENAMETOOLONG, "connect", path};
  __builtin_memcpy(address.sun_path, path, size);
  const long made = sys(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  TRY(check(made, "socket"));
  Connection connection;
  connection.socket_.reset(static_cast<int>(made));
  const int fd = connection.fd();
  // Not waiting: a host whose queue is full is no help.
  TRY(check(sys(SYS_connect, fd, &address, sizeof address), "connect", path));
  Credentials peer{};
  uint32_t length = sizeof peer;
  TRY(check(sys(SYS_getsockopt, fd, SOL_SOCKET, kPeerCredentials, &peer, &length), "getsockopt"));
  if (!is_trusted(peer)) return Error{EPERM, "connect", path};
  connection.peer_ = peer.pid;
  const int on = 1;
  TRY(check(sys(SYS_setsockopt, fd, SOL_SOCKET, kPassCredentials, &on, sizeof on), "setsockopt"));
  TRY(check(sys(SYS_fcntl, fd, F_SETFL, O_RDWR), "fcntl"));
  return static_cast<Connection&&>(connection);
}

Status Connection::send(const Outgoing& message, int attached) const {
  iovec part{const_cast<uint8_t*>(message.data()), message.size()};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr align;
  } control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (attached >= 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    __builtin_memcpy(CMSG_DATA(rights), &attached, sizeof attached);
  }
  long sent;
  do {
    sent = sys(SYS_sendmsg, fd(), &header, MSG_NOSIGNAL);
  } while (sent == -EINTR);
  return check(sent, "sendmsg");
}

Status Connection::receive(Incoming& incoming) {
  static uint8_t data[65536];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(Credentials)) +
                                CMSG_SPACE(Incoming::kMostDescriptors * sizeof(int))];
  iovec part{data, sizeof data};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  long got;
  do {
    got = sys(SYS_recvmsg, fd(), &header, MSG_CMSG_CLOEXEC);
  } while (got == -EINTR);
  if (got == -ECONNRESET) got = 0;
  TRY(check(got, "recvmsg"));
  incoming.data = data;
  incoming.size = static_cast<size_t>(got);
  Credentials sender{};
  take_control(control, header.msg_controllen, incoming, sender);
  if (got == 0 || sender.pid == peer_) return {};
  // The first word of a host that was started by who listened for it.
  if (!is_trusted(sender)) return Error{EPERM, "recvmsg"};
  peer_ = sender.pid;
  return {};
}

}  // namespace tsrunc
