#pragma once

#include "../core/text.h"

namespace tsrunc {

/** Adds the home directory that the container's /etc/passwd gives to `uid`, or "/". */
void add_home_of(uint32_t uid, int root, PathText& text);

}  // namespace tsrunc
