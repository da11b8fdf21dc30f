// Processes by pidfd: a bare pid may have been given to another process.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <limits>

#include "../core/syscall.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "waits.h"

namespace tsrunc::addon {
namespace {

constexpr int kByPidfd = 3;  // P_PIDFD, which libc's enumeration has since glibc 2.36 only.

std::optional<Napi::Value> reap(Napi::Env env, int pidfd, int /*events*/) {
  siginfo_t status{};
  checked(env, sys(SYS_waitid, kByPidfd, pidfd, &status, WEXITED | WNOHANG, nullptr), "waitid");
  if (status.si_pid == 0) return std::nullopt;
  Napi::Object result = Napi::Object::New(env);
  result.Set(status.si_code == CLD_EXITED ? "code" : "signal",
             Napi::Number::New(env, status.si_status));
  return result;
}

std::optional<Napi::Value> look(Napi::Env env, int pidfd, int /*events*/) {
  pollfd entry{pidfd, POLLIN, 0};
  timespec now{};
  long ready;
  do {
    ready = sys(SYS_ppoll, &entry, 1, &now, nullptr, 0);
  } while (ready == -EINTR);
  checked(env, ready, "ppoll");
  if ((entry.revents & POLLNVAL) != 0) throw system_error(env, EBADF, "ppoll");
  if (ready == 0) return std::nullopt;
  return env.Undefined();
}

constexpr Operation kExit{reap, false};
constexpr Operation kGone{look, false};

}  // namespace

Napi::Value open_pidfd(const Napi::CallbackInfo& info) {
  const int64_t pid = to_integer(info[0], "a pid", 1, std::numeric_limits<int>::max());
  return Napi::Number::New(info.Env(), static_cast<double>(checked(
                                           info.Env(), sys(SYS_pidfd_open, pid, 0), "pidfd_open")));
}

void signal_pidfd(const Napi::CallbackInfo& info) {
  const int64_t signal = to_integer(info[1], "a signal", 0, 64);
  checked(info.Env(), sys(SYS_pidfd_send_signal, to_fd(info[0]), signal, nullptr, 0),
          "pidfd_send_signal");
}

Napi::Value wait_exit(const Napi::CallbackInfo& info) {
  const Napi::Value keep =
      info[1].IsObject() ? info[1].As<Napi::Object>().Get("keepAlive") : info.Env().Undefined();
  const bool released = keep.IsBoolean() && !keep.As<Napi::Boolean>().Value();
  return Waits::of(info.Env()).wait(to_fd(info[0]), kExit, released ? Hold::Nothing : Hold::Loop);
}

void hold_loop(const Napi::CallbackInfo& info) {
  Waits::of(info.Env()).hold(to_fd(info[0]));
}

void reap_others(const Napi::CallbackInfo& info) {
  const int64_t known = to_integer(info[0], "a pid", 1, std::numeric_limits<int>::max());
  siginfo_t status{};
  // Once it is reaped, whoever waited for it may have children of his own again: poststop hooks.
  const long there = sys(SYS_waitid, P_PID, known, &status, WEXITED | WNOHANG | WNOWAIT, nullptr);
  if (there == -ECHILD) return;
  for (;;) {
    status = {};
    const long looked = sys(SYS_waitid, P_ALL, 0, &status, WEXITED | WNOHANG | WNOWAIT, nullptr);
    if (looked == -ECHILD) return;
    checked(info.Env(), looked, "waitid");
    // The known one's end is somebody else's to hear of; behind it there is nothing left to tidy up for.
    if (status.si_pid == 0 || status.si_pid == known) return;
    sys(SYS_waitid, P_PID, status.si_pid, &status, WEXITED | WNOHANG, nullptr);
  }
}

Napi::Value wait_gone(const Napi::CallbackInfo& info) {
  return Waits::of(info.Env()).wait(to_fd(info[0]), kGone);
}

}  // namespace tsrunc::addon
