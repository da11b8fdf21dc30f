// Compiles a seccomp policy with libseccomp. No Node-API in here: it runs on another thread.
#pragma once

#include "seccomp_policy.h"

namespace tsrunc::addon {

/** Of libseccomp or of a system call: a negated errno, what failed, and on what. */
struct SeccompFailure {
  long number = 0;
  const char* syscall = "";
  std::string subject;
};

struct CompiledFilter {
  /** Classic BPF: struct sock_filter after struct sock_filter. */
  std::vector<uint8_t> program;
  /** Names of system calls that were left out. */
  std::vector<std::string> unknown;
};

SeccompFailure compile(const SeccompPolicy& policy, CompiledFilter& result);

}  // namespace tsrunc::addon
