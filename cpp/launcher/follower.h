// Does what the host says, and tells it what happens to this process and its children.
#pragma once

#include "children.h"
#include "connection.h"
#include "host.h"
#include "signals.h"

namespace tsrunc {

class Follower {
 public:
  Follower(const Call& call, Cold cold, Connection& connection, const Signals& signals)
      : call_(call), cold_(cold), connection_(connection), signals_(signals) {}

  /** Until the call has come to its end, with which this process ends, or comes back to make it
   * without a host. */
  void run();

  // One for each order (ts/resident/messages.ts).
  Status follow(const messages::Decline& order);
  Status follow(const messages::Working& order);
  Status follow(const messages::Took& order);
  Status follow(const messages::Spawn& order);
  Status follow(const messages::AwaitExit& order);
  Status follow(const messages::Subreaper& order);
  Status follow(const messages::Running& order);
  Status follow(const messages::Write& order);
  Status follow(const messages::TakeSignal& order);
  Status follow(const messages::Finish& order);
  [[nodiscard]] Status malformed() const;

 private:
  /** A command line that is kept for when the host has died. */
  struct CommandLine {
    static constexpr size_t kMostWords = 8;
    char bytes[8192];
    const char* words[kMostWords + 1] = {};
  };

  Status hear();
  void pass_signals();
  void reap_children();
  void tell_of(const Ended& ended);
  void lose_host();
  /** What is left to do once the child that this process stands for has ended, and there is no host
   * any more. */
  [[noreturn]] void finish_alone(const Ended& ended);
  /** Runs the command in a process of its own; false unless it succeeds. */
  bool run_cold(const CommandLine& line);
  static void keep(const StringList& words, CommandLine& line);

  const Call& call_;
  Cold cold_;
  Connection& connection_;
  const Signals& signals_;
  Incoming* incoming_ = nullptr;
  bool returns_ = false;
  bool heard_ = false;
  bool took_ = false;
  bool adopts_ = false;
  /** Signals that only the host was told of, before it did anything: a bit each. */
  uint64_t passed_ = 0;
  int running_ = 0;
  /** How `running_` has ended, once it has. */
  Ended ended_;
  Awaited awaited_;
  CommandLine line_{};
};

}  // namespace tsrunc
