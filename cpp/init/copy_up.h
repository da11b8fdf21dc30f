// What a tmpfs takes over from the directory that it is about to cover (config.md: tmpcopyup).
#pragma once

#include "../core/result.h"

namespace tsrunc {

struct CopyUp {
  bool mode = false;
  bool owner = false;
  bool contents = false;
};

/**
 * Copies from the directory `from` to the root of the mount `to`, which nobody else may reach yet.
 * What is in the directory is never followed, only copied. `target` is the directory's path, for
 * errors.
 */
Status copy_up(int proc, int from, int to, const CopyUp& what, const char* target);

}  // namespace tsrunc
