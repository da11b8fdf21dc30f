// Sockets to the kernel's network configuration (rtnetlink), in this network namespace or another.
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {
namespace {

/** A negated errno, with what failed, or the socket. */
struct Opened {
  long result = 0;
  const char* syscall = "socket";
};

Opened open_route_socket() {
  const long opened =
      sys(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (opened < 0) return {opened};
  UniqueFd socket(static_cast<int>(opened));
  // Errors with a reason, acks without the request, and dumps of what was asked for only.
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    const int on = 1;
    const long set = sys(SYS_setsockopt, socket.get(), SOL_NETLINK, option, &on, sizeof on);
    if (set < 0) return {set, "setsockopt"};
  }
  // A connected socket hears the kernel alone: who is root in the other namespace could answer
  // else.
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const long connected = sys(SYS_connect, socket.get(), &kernel, sizeof kernel);
  if (connected < 0) return {connected, "connect"};
  return {socket.release()};
}

/** A socket belongs to the namespace of the thread that makes it, and no thread of Node's may leave
 * its own: this one is made for it. */
Opened open_in(int netns) {
  Opened opened;
  std::thread([&] {
    const long joined = sys(SYS_setns, netns, CLONE_NEWNET);
    opened = joined < 0 ? Opened{joined, "setns"} : open_route_socket();
  }).join();
  return opened;
}

}  // namespace

Napi::Value route_socket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Opened opened;
  try {
    opened = info[0].IsUndefined() ? open_route_socket() : open_in(to_fd(info[0]));
  } catch (const std::system_error& error) {
    throw system_error(env, error.code().value(), "clone");
  }
  return Napi::Number::New(env, static_cast<double>(checked(env, opened.result, opened.syscall)));
}

}  // namespace tsrunc::addon
