// What of the caller's environment Node gets.
#pragma once

#include "../core/text.h"

namespace tsrunc {

/** Tells the command the soft limit of open files that this process was started with. */
constexpr const char* kOpenFiles = "TSRUNC_NOFILE=";

/** The value of a variable of an environment, or nullptr. `name` ends in '='. */
const char* variable(char* const* environment, const char* name);

/** Writes those of `callers` that may go on to `kept`, then `limit` unless it is empty, and a
 * nullptr. */
void clean_environment(char* const* callers, const char* limit, const char** kept);

}  // namespace tsrunc
