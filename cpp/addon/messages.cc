// Messages over AF_UNIX sockets, with descriptors attached (SCM_RIGHTS).
#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "waits.h"

namespace tsrunc::addon {
namespace {

constexpr size_t kLargestMessage = 65536;
/** The kernel's SCM_MAX_FD. */
constexpr size_t kMostDescriptors = 253;

struct alignas(cmsghdr) Control {
  std::array<uint8_t, CMSG_SPACE(kMostDescriptors * sizeof(int))> bytes{};
};

void attach(msghdr& message, Control& control, const std::vector<int>& fds) {
  const size_t size = fds.size() * sizeof(int);
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(size);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(rights), fds.data(), size);
}

std::vector<UniqueFd> attached(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t size = part->cmsg_len - CMSG_LEN(0);
    for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

long receive_once(int socket, msghdr& message) {
  long received;
  do {
    received = sys(SYS_recvmsg, socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    // ECONNRESET says, once, that the peer ended without having read everything; what it sent
    // before, such as why it failed, comes after that.
  } while (received == -EINTR || received == -ECONNRESET);
  return received;
}

Napi::Object to_message(Napi::Env env, const uint8_t* data, size_t size,
                        std::vector<UniqueFd>& fds) {
  Napi::Array numbers = Napi::Array::New(env, fds.size());
  for (uint32_t i = 0; i < fds.size(); ++i) numbers[i] = fds[i].get();
  Napi::Object result = Napi::Object::New(env);
  result["data"] = Napi::Buffer<uint8_t>::Copy(env, data, size);
  result["fds"] = numbers;
  // They are JavaScript's only now, when nothing can throw any more.
  for (UniqueFd& fd : fds) (void)fd.release();
  return result;
}

std::optional<Napi::Value> receive_next(Napi::Env env, int socket, int /*events*/) {
  std::array<uint8_t, kLargestMessage> data;
  Control control;
  iovec part{data.data(), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const long received = receive_once(socket, message);
  if (received == -EAGAIN) return std::nullopt;
  checked(env, received, "recvmsg");
  std::vector<UniqueFd> fds = attached(message);
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    throw system_error(env, EMSGSIZE, "recvmsg", {}, "the message is longer than 64 KiB");
  }
  // There was room for as many as can be sent, so the kernel couldn't open them here.
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    throw system_error(env, EMFILE, "recvmsg", {},
                       "not all descriptors of a message could be received");
  }
  if (received == 0 && fds.empty()) return env.Undefined();
  return to_message(env, data.data(), static_cast<size_t>(received), fds);
}

constexpr Operation kReceive{receive_next, true};

}  // namespace

void send_message(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int socket = to_fd(info[0]);
  const auto data = to_bytes(info[1]);
  const std::vector<int> fds = info[2].IsUndefined() ? std::vector<int>{} : to_fds(info[2]);
  if (fds.size() > kMostDescriptors)
    throw argument_error(env, "a message can carry at most 253 descriptors");
  iovec part{const_cast<uint8_t*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control;
  if (!fds.empty()) attach(message, control, fds);
  long sent;
  do {
    sent = sys(SYS_sendmsg, socket, &message, MSG_NOSIGNAL);
  } while (sent == -EINTR);
  checked(env, sent, "sendmsg");
  if (static_cast<size_t>(sent) < data.size()) {
    throw system_error(env, EMSGSIZE, "sendmsg", {},
                       "the receiver's buffer took only a part of the message");
  }
}

Napi::Value receive_message(const Napi::CallbackInfo& info) {
  return Waits::of(info.Env()).wait(to_fd(info[0]), kReceive);
}

}  // namespace tsrunc::addon
