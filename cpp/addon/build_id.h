// The linker's hash over this addon.
#pragma once

#include <string>

namespace tsrunc::addon {

/** In hexadecimal; empty when it was linked without one. */
std::string build_id();

}  // namespace tsrunc::addon
