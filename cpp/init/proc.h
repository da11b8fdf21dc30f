// Files of the runtime's own procfs, `proc`. `what` is how an error calls the file.
#pragma once

#include "../core/result.h"

namespace tsrunc {

/** `links`: `self` may be followed; what lies behind a magic link or a mount is never opened. */
Result<UniqueFd> open_in_proc(int proc, const char* file, const char* what, int flags, bool links);

Status write_in_proc(int proc, const char* file, const char* what, const char* value, bool links);

}  // namespace tsrunc
