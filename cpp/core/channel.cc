#include "channel.h"

#include <errno.h>
#include <sys/socket.h>

namespace tsrunc {
namespace {

// Large enough for any path, small enough to go through at once.
constexpr size_t kLongestText = 4096;

/** Room for one descriptor in a control message. */
union Control {
  char bytes[CMSG_SPACE(sizeof(int))];
  cmsghdr align;
};

}  // namespace

Status Channel::send(Message message, int attached) const {
  const auto code = static_cast<uint8_t>(message);
  return send_bytes(&code, sizeof code, attached);
}

Status Channel::send_cloned(uint32_t pid, int pidfd) const {
  Writer<8> message;
  message.u8(static_cast<uint8_t>(Message::Cloned));
  message.u32(pid);
  return send_bytes(message.data(), message.size(), pidfd);
}

Status Channel::send_failed(uint32_t index, uint8_t code, const Error& error) const {
  Writer<3 * kLongestText + 64> message;
  message.u8(static_cast<uint8_t>(Message::Failed));
  message.u32(index);
  message.u32(code);
  message.u32(static_cast<uint32_t>(error.number));
  message.string(error.syscall, kLongestText);
  message.string(error.path, kLongestText);
  message.string(error.detail, kLongestText);
  return send_bytes(message.data(), message.size(), -1);
}

Status Channel::send_bytes(const uint8_t* data, size_t size, int attached) const {
  if (plain_ && attached < 0) {
    long written;
    do {
      written = sys(SYS_write, socket_.get(), data, size);
    } while (written == -EINTR);
    return check(written, "write");
  }
  iovec part{const_cast<uint8_t*>(data), size};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  Control control{};
  if (attached >= 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    __builtin_memcpy(CMSG_DATA(rights), &attached, sizeof attached);
  }
  long sent;
  do {
    sent = sys(SYS_sendmsg, socket_.get(), &header, MSG_NOSIGNAL);
  } while (sent == -EINTR);
  return check(sent, "sendmsg");
}

Result<Received> Channel::receive() const {
  if (plain_) return receive_plain();
  uint8_t code = 0;
  iovec part{&code, sizeof code};
  Control control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  long got;
  do {
    got = sys(SYS_recvmsg, socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (got == -EINTR);
  if (got == 0 || got == -ECONNRESET) return Error{EPIPE, "recvmsg"};
  if (got < 0) return Error{static_cast<int>(-got), "recvmsg"};
  Received received;
  received.reply = static_cast<Reply>(code);
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    __builtin_memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    received.fd.reset(fd);
  }
  return received;
}

Result<Received> Channel::receive_plain() const {
  uint8_t code = 0;
  long got;
  do {
    got = sys(SYS_read, socket_.get(), &code, sizeof code);
  } while (got == -EINTR);
  if (got == 0 || got == -ECONNRESET) return Error{EPIPE, "read"};
  if (got < 0) return Error{static_cast<int>(-got), "read"};
  Received received;
  received.reply = static_cast<Reply>(code);
  return received;
}

}  // namespace tsrunc
