// The numbers of system calls by architecture: libseccomp's, and those that came after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tsrunc::addon {

/** The number of a system call that this libseccomp doesn't know by name, but the kernel does. */
std::optional<int> number_after_libseccomp(uint32_t architecture, const std::string& name);

/** Its number as the kernel gives it to filters. Nothing for a name that no table has, and for one
 * that this architecture lacks. */
std::optional<int> syscall_number(uint32_t architecture, const std::string& name);

}  // namespace tsrunc::addon
