// What init waits for: its parent, the hooks in the container's namespaces, and the start.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "arguments.h"
#include "executor.h"

namespace tsrunc {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t now() {
  timespec time{};
  sys(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

/** The last of what a hook wrote, for the error's sentence. */
class Tail {
 public:
  void read_from(int pipe) {
    for (;;) {
      if (size_ == sizeof bytes_ - 1) {
        __builtin_memmove(bytes_, bytes_ + kHalf, size_ - kHalf);
        size_ -= kHalf;
      }
      const long got = sys(SYS_read, pipe, bytes_ + size_, sizeof bytes_ - 1 - size_);
      if (got <= 0) break;
      size_ += static_cast<size_t>(got);
    }
    bytes_[size_] = 0;
  }
  [[nodiscard]] const char* get() const { return bytes_; }

 private:
  static constexpr size_t kHalf = 512;
  char bytes_[2 * kHalf + 1] = {};
  size_t size_ = 0;
};

/** In the hook's process: never comes back. */
[[noreturn]] void become_hook(const operations::RunHook& op, int state, int output) {
  sys(SYS_dup3, state, 0, 0);
  sys(SYS_dup3, output, 1, 0);
  sys(SYS_dup3, output, 2, 0);
  const Vector args(op.args);
  const Vector env(op.env);
  sys(SYS_execve, op.file, args.get(), env.get());
  for (;;) sys(SYS_exit_group, 127);
}

/** Waits for a hook until it ends, its time is over (-ETIMEDOUT) or the parent is gone (-EPIPE). */
long wait_for_hook(int pidfd, int output, int parent, uint32_t timeout, Tail& tail) {
  const int64_t end = timeout == 0 ? 0 : now() + timeout * kSecond;
  for (;;) {
    pollfd polled[] = {{pidfd, POLLIN, 0}, {output, POLLIN, 0}, {parent, 0, 0}};
    const int64_t left = timeout == 0 ? 0 : end - now();
    if (timeout != 0 && left <= 0) return -ETIMEDOUT;
    timespec limit{left / kSecond, left % kSecond};
    const long ready = sys(SYS_ppoll, polled, 3, timeout == 0 ? nullptr : &limit, nullptr, 0);
    if (ready < 0 && ready != -EINTR) return ready;
    if (ready <= 0) continue;
    if ((polled[1].revents & POLLIN) != 0) tail.read_from(output);
    if (polled[0].revents != 0) return 0;
    if ((polled[2].revents & (POLLHUP | POLLERR)) != 0) return -EPIPE;
    // The hook closed its output and goes on: only its end is of interest from here on.
    if ((polled[1].revents & POLLHUP) != 0 && (polled[1].revents & POLLIN) == 0) output = -1;
  }
}

/**
 * The first process of a pid namespace gets no signal that it has no handler for, so a created
 * container would be deaf to `kill`. Handlers are undone by the exec.
 */
void end_on_signals() {
  struct Action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  };
  constexpr unsigned long kRestorer = 0x04000000;  // x86_64 takes no action without one
  const Action action{[](int signal) { sys(SYS_exit_group, 128 + signal); }, kRestorer, [] {}, 0};
  constexpr uint64_t kIgnoredByDefault =
      1ULL << SIGCHLD | 1ULL << SIGCONT | 1ULL << SIGTSTP | 1ULL << SIGTTIN | 1ULL << SIGTTOU |
      1ULL << SIGURG | 1ULL << SIGWINCH | 1ULL << SIGKILL | 1ULL << SIGSTOP;
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal < 64 && (kIgnoredByDefault >> signal & 1) != 0) continue;
    sys(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
  }
}

Error hook_error(const operations::RunHook& op, int number, const char* what, uint64_t value, const char* tail) {
  static Text<1400> detail;
  detail.clear();
  detail.add(op.kind).add(" hook ").add_number(op.index).add(" ").add(what);
  if (value != UINT64_MAX) detail.add(" ").add_number(value);
  if (tail[0] != 0) detail.add(": ").add(tail);
  return Error{number, "", op.file, detail.get()};
}

}  // namespace

Status Executor::run(const operations::AwaitHooks&) {
  TRY(channel_.send(Message::HooksDue));
  Received received = TRY(channel_.receive());
  if (received.reply != Reply::Proceed) return malformed();
  state_ = static_cast<UniqueFd&&>(received.fd);
  return {};
}

Status Executor::run(const operations::RunHook& op) {
  int pipe[2];
  TRY(check(sys(SYS_pipe2, pipe, O_CLOEXEC | O_NONBLOCK), "pipe2", op.file));
  UniqueFd output(pipe[0]);
  UniqueFd writer(pipe[1]);
  // The state lies in a memfd that all hooks read from its start.
  sys(SYS_lseek, state_.get(), 0L, 0);
  int pidfd_number = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd_number);
  arguments.exit_signal = SIGCHLD;
  const long pid = sys(SYS_clone3, &arguments, sizeof arguments);
  TRY(check(pid, "clone3", op.file));
  if (pid == 0) become_hook(op, state_.get(), writer.get());
  UniqueFd pidfd(pidfd_number);
  writer.reset();
  Tail tail;
  const long ended = wait_for_hook(pidfd.get(), output.get(), channel_.fd(), op.timeout, tail);
  if (ended < 0) sys(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  int status = 0;
  sys(SYS_wait4, pid, &status, 0, nullptr);
  tail.read_from(output.get());
  if (ended == -ETIMEDOUT) return hook_error(op, ETIMEDOUT, "did not end in time, seconds:", op.timeout, "");
  if (ended < 0) return Error{static_cast<int>(-ended), "ppoll", op.file};
  if ((status & 0x7f) != 0) return hook_error(op, 0, "was ended by signal", status & 0x7f, tail.get());
  if (status >> 8 == 127 && tail.get()[0] == 0) return hook_error(op, 0, "could not be executed", UINT64_MAX, "");
  return status == 0 ? Status{} : hook_error(op, 0, "exited with status", (status >> 8) & 0xff, tail.get());
}

/** The connection over which `start` came. Who connects only to see whether we are still here hangs up again. */
Status Executor::accept_start() {
  for (;;) {
    const long accepted = sys(SYS_accept4, given_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted == -EINTR || accepted == -ECONNABORTED) continue;
    TRY(check(accepted, "accept4"));
    Channel caller{UniqueFd(static_cast<int>(accepted))};
    auto received = caller.receive();
    if (!received.ok() || received.value().reply != Reply::Start) continue;
    state_ = static_cast<UniqueFd&&>(received.value().fd);
    channel_ = static_cast<Channel&&>(caller);
    return {};
  }
}

Status Executor::run(const operations::AwaitStart& op) {
  end_on_signals();
  // What only the set-up needed must not lie around in a container that may wait for days.
  proc_.reset();
  state_.reset();
  null_ = {};
  empty_ = {};
  for (UniqueFd& source : sources_) source.reset();
  TRY(channel_.send(Message::Created));
  Received received = TRY(channel_.receive());
  if (received.reply == Reply::Start) {
    state_ = static_cast<UniqueFd&&>(received.fd);
    given_.reset();
    return {};
  }
  if (received.reply != Reply::Commit || !op.listen) return malformed();
  TRY(accept_start());
  given_.reset();
  return {};
}

}  // namespace tsrunc
