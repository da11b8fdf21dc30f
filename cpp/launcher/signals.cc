#include "signals.h"

#include <fcntl.h>

namespace tsrunc {
namespace {

constexpr int kCaught[] = {SIGHUP,    SIGINT,   SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2,
                           SIGALRM,   SIGTERM,  SIGCHLD, SIGCONT, SIGTSTP, SIGVTALRM,
                           SIGSTKFLT, SIGWINCH, SIGIO,   SIGPWR};

/** The kernel's struct sigaction, all of it zero: SIG_DFL. */
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  uint64_t mask;
};

/** The kernel's struct signalfd_siginfo: the number, and what isn't looked at. */
struct Information {
  uint32_t signal;
  uint8_t rest[124];
};

constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }

uint64_t change_mask(int how, uint64_t mask) {
  uint64_t before = 0;
  sys(SYS_rt_sigprocmask, how, &mask, &before, sizeof mask);
  return before;
}

}  // namespace

Result<Signals> Signals::open() {
  uint64_t caught = 0;
  for (int signal : kCaught) caught |= bit(signal);
  const KernelAction standard{};
  Signals signals;
  signals.before_ = change_mask(SIG_BLOCK, caught);
  for (int signal : kCaught)
    sys(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  const long fd = sys(SYS_signalfd4, -1, &caught, sizeof caught, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) signals.restore();
  TRY(check(fd, "signalfd"));
  signals.fd_.reset(static_cast<int>(fd));
  return static_cast<Signals&&>(signals);
}

int Signals::next() const {
  Information information{};
  const long got = sys(SYS_read, fd(), &information, sizeof information);
  return got == sizeof information ? static_cast<int>(information.signal) : 0;
}

void Signals::take(int signal) const {
  sys(SYS_kill, sys(SYS_getpid), signal);
  change_mask(SIG_UNBLOCK, bit(signal));
  // Still there: it has stopped us and another one has let us go on, or it has no effect.
  change_mask(SIG_BLOCK, bit(signal));
}

void Signals::restore() const { change_mask(SIG_SETMASK, before_); }

}  // namespace tsrunc
