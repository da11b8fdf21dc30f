// Which Node runs the command.
#pragma once

namespace tsrunc {

/**
 * Executes the first Node that there is: the one that the package in `root` was installed with, one
 * that lies where its prefix has it, then those of usual places. PATH of `callers` is looked into
 * for those alone who aren't root: who may set a variable for root's call must not choose the
 * program that root executes. `args[0]` is written.
 */
[[noreturn]] void execute_node(const char* root, char* const* callers, const char** args,
                               const char* const* environment);

}  // namespace tsrunc
