// The process between clone3 and exec.
#pragma once

#include <linux/sched.h>
#include <stdint.h>

#include "syscall.h"

namespace tsrunc {

/** What parent and child share. */
struct Child {
  /** Descriptor i of init becomes a duplicate of `fds[i]`. */
  const int* fds;
  /** Room for as many. */
  int* copies;
  int count;
  /** The memfd to execute. */
  int image;
  const char* const* argv;

  // Written by the child when it fails; the parent reads them after it.
  const char* failed = nullptr;
  long error = 0;
};

/** Becomes init, or says in `child` why not and ends. */
[[noreturn]] void run_child(Child* child);

/** clone3 with a child that runs run_child on the stack of `arguments`. Answers the pid or a
 * negated errno. */
long clone_child(const clone_args& arguments, Child& child);

}  // namespace tsrunc
