// What stands before libseccomp's filter: the answers to system calls that libseccomp, or the
// profile's author, couldn't know of.
#pragma once

#include <linux/filter.h>

#include "seccomp_policy.h"

namespace tsrunc::addon {

/**
 * A rule for a system call that this libseccomp can't name but the kernel has, and, for what is
 * newer than all that the policy names, `newer_action`: libc tries a new call and falls back to an
 * old one on ENOSYS, but takes EPERM for the answer, so that a profile older than libc would break
 * programs. An entry of an architecture applies to its own numbers; all else falls through to the
 * end, where the filter of libseccomp begins.
 */
std::vector<sock_filter> make_prologue(const SeccompPolicy& policy,
                                       const std::vector<uint32_t>& architectures);

/** The names in the policy that neither libseccomp nor the prologue can do anything with. */
std::vector<std::string> unknown_names(const SeccompPolicy& policy,
                                       const std::vector<uint32_t>& architectures);

}  // namespace tsrunc::addon
