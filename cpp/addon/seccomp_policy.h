// A seccomp policy as TypeScript resolved it (SeccompPolicy in ts/native/native.ts).
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tsrunc::addon {

struct SeccompRule {
  uint32_t action;
  std::vector<std::string> names;
  std::vector<scmp_arg_cmp> args;
};

struct SeccompPolicy {
  uint32_t default_action;
  /** What system calls newer than all that the rules name are answered with; else by the default.
   */
  std::optional<uint32_t> newer_action;
  std::vector<std::string> architectures;
  std::vector<SeccompRule> rules;
};

}  // namespace tsrunc::addon
