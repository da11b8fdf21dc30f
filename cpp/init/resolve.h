// Paths inside the container, resolved by descriptor: no symlink, `..` or magic link leads out of
// the root, whatever the image holds and whoever changes it meanwhile (CVE-2021-30465, 2024-45310).
#pragma once

#include <fcntl.h>
#include <stdint.h>

#include "../core/result.h"

namespace tsrunc {

/** Opens what is at `path` below `root`. `flags` as of open(2); O_CLOEXEC is added. `resolve` adds RESOLVE_* bits. */
Result<UniqueFd> open_in_root(int root, const char* path, int flags = O_PATH, uint64_t resolve = 0);

/** What a path is to be when there is nothing at it. */
enum class Missing { Directory, File };

/** Opens what is at `path` (O_PATH); what is missing of it is made: directories with 0755, an empty file with 0644. */
Result<UniqueFd> make_in_root(int root, const char* path, Missing leaf, uint64_t resolve = 0);

/** The directory that `path`'s last component is in, made if missing. */
struct Place {
  UniqueFd directory;
  /** Points into `path`. */
  const char* name = "";
};
Result<Place> make_place(int root, const char* path);

/** fstat. */
Result<struct stat> status_of(int fd, const char* path);

}  // namespace tsrunc
