// The processes that the launcher starts for the host, and how they end.
#pragma once

#include "../core/result.h"
#include "connection.h"

namespace tsrunc {

struct Spawned {
  int pid = 0;
  UniqueFd pidfd;
};

/** Starts init as the order says, whose first descriptor of its own is init's socket. Returns when it runs, as vfork does. */
Result<Spawned> spawn(const messages::Spawn& order, const Incoming& incoming);

/** The end of a child. */
struct Ended {
  int pid = 0;
  int status = 0;

  /** The signal that ended it, or 0. */
  [[nodiscard]] uint32_t signal() const { return static_cast<uint32_t>(status & 0x7f); }
  [[nodiscard]] uint32_t code() const { return static_cast<uint32_t>(status >> 8 & 0xff); }
};

/** Reaps this child, or any for -1, if it has ended; the pid is 0 otherwise. */
Ended reap(int child);

/** Children whose ends are awaited. A launcher has two or three. */
class Awaited {
 public:
  void add(int pid) {
    if (count_ < kMost) pids_[count_++] = pid;
  }
  /** Whether it is one of them, which it then is no more. */
  bool take(int pid) {
    for (size_t i = 0; i < count_; ++i) {
      if (pids_[i] != pid) continue;
      pids_[i] = pids_[--count_];
      return true;
    }
    return false;
  }
  /** Reaps those that have ended and calls `act(const Ended&)` for each. */
  template <typename Act>
  void reap_ended(Act act) {
    for (size_t i = 0; i < count_;) {
      const Ended ended = reap(pids_[i]);
      if (ended.pid == 0) {
        ++i;
        continue;
      }
      pids_[i] = pids_[--count_];
      act(ended);
    }
  }

 private:
  static constexpr size_t kMost = 16;
  int pids_[kMost] = {};
  size_t count_ = 0;
};

}  // namespace tsrunc
