// The launcher's end of its connection with the host: whole messages (messages.h), checked to be
// the host's.
#pragma once

#include "../core/result.h"
#include "../core/unique_fd.h"
#include "../core/wire.h"
#include "messages.h"

namespace tsrunc {

/** An order, or the end of the host when `size` is 0. */
struct Incoming {
  static constexpr size_t kMostDescriptors = 16;
  const uint8_t* data = nullptr;
  size_t size = 0;
  UniqueFd fds[kMostDescriptors];
  size_t count = 0;
};

/** Large enough for any report; a call that doesn't fit is made without a host. */
using Outgoing = Writer<65536>;

class Connection {
 public:
  /** Connects to a host of this user, or root's service manager that will start one, in our own
   * namespaces. */
  static Result<Connection> open(const char* path);

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool is_open() const { return socket_.valid(); }
  void close() { socket_.reset(); }

  /** An error is EPIPE or the like: the host is gone, which `receive` will tell. */
  Status send(const Outgoing& message, int attached = -1) const;
  /** Waits for the next order. EPERM when it comes from somebody who isn't the host. */
  Status receive(Incoming& incoming);

 private:
  int peer_ = 0;
  UniqueFd socket_;
};

}  // namespace tsrunc
