// The sentences that the launcher ends with.
#pragma once

#include <errno.h>

#include "../core/syscall.h"
#include "../core/text.h"

namespace tsrunc {

/** "No such file or directory" and the like; nullptr for those that aren't met here. */
inline const char* meaning(long number) {
  switch (number) {
    case EPERM:
      return "operation not permitted";
    case ENOENT:
      return "no such file or directory";
    case E2BIG:
      return "the arguments and the environment are too long";
    case ENOEXEC:
      return "it is no program of this machine";
    case ENOMEM:
      return "there is no memory left";
    case EACCES:
      return "permission denied";
    case ENOTDIR:
      return "not a directory";
    case ENAMETOOLONG:
      return "the path is too long";
    case ELOOP:
      return "too many links";
    default:
      return nullptr;
  }
}

[[noreturn]] inline void end_with(const Text<16384>& sentence) {
  Text<16384> line = sentence;
  line.add("\n");
  sys(SYS_write, 2, line.get(), line.size());
  for (;;) sys(SYS_exit_group, 1);
}

inline void add_meaning(Text<16384>& sentence, long number) {
  const char* const known = meaning(number);
  if (known != nullptr) {
    sentence.add(known);
  } else {
    sentence.add("errno ").add_number(static_cast<uint64_t>(number));
  }
}

/** Ends with "tsrunc: could not WHAT PATH: WHY: ADVICE" and status 1. */
[[noreturn]] inline void end_because(const char* what, const char* path, long number,
                                     const char* advice) {
  Text<16384> sentence;
  sentence.add("tsrunc: could not ").add(what).add(path).add(": ");
  add_meaning(sentence, number);
  sentence.add(": ").add(advice);
  end_with(sentence);
}

[[noreturn]] inline void end_because(const char* what, long number, const char* advice) {
  end_because(what, "", number, advice);
}

}  // namespace tsrunc
