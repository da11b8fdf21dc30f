// init's end of the conversation with its parent (ts/lifecycle/conversation.ts): whole messages
// over an AF_UNIX SOCK_SEQPACKET socket, each with at most one descriptor attached.
#pragma once

#include "operations.h"
#include "result.h"

namespace tsrunc {

/** What the parent said; `fd` is what it attached, if anything. */
struct Received {
  Reply reply{};
  UniqueFd fd;
};

class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd socket) : socket_(static_cast<UniqueFd&&>(socket)) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  void close() { socket_.reset(); }

  Status send(Message message, int attached = -1) const;
  Status send_cloned(uint32_t pid, int pidfd) const;
  Status send_failed(uint32_t index, uint8_t code, const Error& error) const;

  /**
   * Under a seccomp filter: messages without a descriptor go by write(2), which hardly a filter
   * forbids, and a reply comes by read(2). SIGPIPE then ends who has lost its parent.
   */
  void use_plain_calls() { plain_ = true; }

  /** Waits for the parent. EPIPE when it is gone: whoever waits for it then has nothing left to do.
   */
  Result<Received> receive() const;

 private:
  Status send_bytes(const uint8_t* data, size_t size, int attached) const;
  Result<Received> receive_plain() const;

  UniqueFd socket_;
  bool plain_ = false;
};

}  // namespace tsrunc
