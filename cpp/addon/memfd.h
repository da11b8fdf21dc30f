// Files in memory that nobody can change any more.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "../core/unique_fd.h"
#include "javascript.h"

namespace tsrunc::addon {

enum class Executable { No, Yes };

/** A close-on-exec memfd that holds `content`, its offset at 0, sealed against every change. */
UniqueFd sealed_memfd(Napi::Env env, const std::string& name, std::span<const uint8_t> content,
                      Executable executable);

}  // namespace tsrunc::addon
