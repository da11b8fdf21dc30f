// The new mount interface, by descriptors only.
#pragma once

#include <stdint.h>

#include "../core/result.h"

namespace tsrunc {

/** MOUNT_ATTR_* bits to set and clear on a mount, and on all below it. */
struct MountAttributes {
  uint64_t set = 0;
  uint64_t clear = 0;
  uint64_t recursive_set = 0;
  uint64_t recursive_clear = 0;
};

/** A detached copy of the mounts at `path`, or of the one only. `path` "" is `directory` itself. */
Result<UniqueFd> clone_tree(int directory, const char* path, bool recursive, const char* what);

/** Attaches a detached tree at the place that `target` is. */
Status attach(int tree, int target, const char* what);

Status set_attributes(int mount, const MountAttributes& attributes, const char* what);

/** Gives a detached mount, or with `all` those below it too, the maps of a user namespace. */
Status map_ids(int mount, int user_namespace, bool all, const char* what);

/** `flags`: MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE, and MS_REC. */
Status set_propagation(int mount, uint32_t flags, const char* what);

}  // namespace tsrunc
