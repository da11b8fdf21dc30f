// What the kernel tells of a cgroup by a descriptor: an eventfd's count, a stall of a pressure file.
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "../core/syscall.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "waits.h"

namespace tsrunc::addon {
namespace {

std::optional<Napi::Value> take_count(Napi::Env env, int fd, int /*events*/) {
  uint64_t count = 0;
  const long got = sys(SYS_read, fd, &count, sizeof count);
  if (got == -EAGAIN || got == -EINTR) return std::nullopt;
  checked(env, got, "read");
  return Napi::Number::New(env, static_cast<double>(count));
}

/**
 * True of a stall, false when there is nothing to be measured any more. Who is told of a stall takes it, so the loop's word
 * for one has to be believed.
 */
std::optional<Napi::Value> look_for_stall(Napi::Env env, int fd, int events) {
  pollfd entry{fd, POLLPRI, 0};
  timespec now{};
  long ready;
  do {
    ready = sys(SYS_ppoll, &entry, 1, &now, nullptr, 0);
  } while (ready == -EINTR);
  checked(env, ready, "ppoll");
  if ((entry.revents & POLLNVAL) != 0) throw system_error(env, EBADF, "ppoll");
  if (ready == 0 && (events & UV_PRIORITIZED) == 0) return std::nullopt;
  return Napi::Boolean::New(env, (entry.revents & POLLERR) == 0);
}

constexpr Operation kCount{take_count, true};
constexpr Operation kStall{look_for_stall, true, UV_PRIORITIZED};

}  // namespace

Napi::Value make_eventfd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(
      info.Env(),
      static_cast<double>(checked(
          info.Env(), sys(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd2")));
}

Napi::Value wait_count(const Napi::CallbackInfo& info) {
  return Waits::of(info.Env()).wait(to_fd(info[0]), kCount);
}

Napi::Value wait_stall(const Napi::CallbackInfo& info) {
  return Waits::of(info.Env()).wait(to_fd(info[0]), kStall);
}

}  // namespace tsrunc::addon
