// The launcher's signals while a host works for it: they are read from a descriptor, and passed on.
#pragma once

#include <signal.h>

#include "../core/result.h"

namespace tsrunc {

/** The signals that `run` and `exec` pass on (ts/console/forwarding.ts), and the ends of children.
 */
class Signals {
 public:
  /** Blocks them, and gives those that the caller had us ignore their standard effect again, as
   * Node does. */
  static Result<Signals> open();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /** The next one that has come, or 0. */
  [[nodiscard]] int next() const;
  /** Has a signal its standard effect on this process. */
  void take(int signal) const;
  /** As it was before `open`. */
  void restore() const;

 private:
  UniqueFd fd_;
  uint64_t before_ = 0;
};

}  // namespace tsrunc
