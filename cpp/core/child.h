// The process between clone3 and exec. It may share its parent's memory, so it runs nothing but
// system calls: every lock, errno and the heap are the parent's.
#pragma once

#include <linux/sched.h>
#include <stdint.h>

#include "syscall.h"

namespace tsrunc {

/** What the child reads until it has become init. */
struct Child {
  /** Descriptor i of init becomes a duplicate of `fds[i]`. */
  const int* fds;
  /** Room for as many. */
  int* copies;
  int count;
  /** Which of them is init's socket. */
  int socket;
  /** The memfd to execute. */
  int image;
  const char* const* argv;
};

/** Becomes init, or says over init's socket why not, as init says it (Message::Failed), and ends. */
[[noreturn]] void run_child(Child* child);

/** clone3 with a child that runs run_child on the stack of `arguments`. Answers the pid or a
 * negated errno. */
long clone_child(const clone_args& arguments, Child& child);

}  // namespace tsrunc
