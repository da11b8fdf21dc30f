// New file systems, and changes of those that are there, by fsopen and fsconfig. `target` is for
// errors.
#pragma once

#include <stdint.h>

#include "../core/result.h"
#include "../core/wire.h"

namespace tsrunc {

struct FileSystem {
  const char* type;
  const char* source;
  const StringList& options;
};

/** Makes a file system. Returns its mount, detached, with these MOUNT_ATTR_* bits. */
Result<UniqueFd> make_file_system(const FileSystem& wanted, uint64_t attributes,
                                  const char* target);

/** Changes the options of the file system of a mount that is named by a descriptor. */
Status reconfigure(int mount, const StringList& options, const char* target);

}  // namespace tsrunc
