// The addon's errors. All of them are made here.
#pragma once

#include <string>
#include <string_view>

#include "javascript.h"

namespace tsrunc::addon {

/**
 * A failed system call as Node itself reports one: `EPERM: operation not permitted, clone3`, with
 * `code`, `errno` (negated), `syscall` and, where there is one, `path`. `number` is the errno, in
 * either sign: system calls here answer it negated. `detail` goes to the end of the message.
 */
Napi::Error system_error(Napi::Env env, long number, std::string_view syscall,
                         std::string_view path = {}, std::string_view detail = {});

/** An argument that JavaScript must not pass: `what` is the whole sentence. */
Napi::Error argument_error(Napi::Env env, std::string_view what);

/** The answer of a system call, or its error thrown. */
inline long checked(Napi::Env env, long result, std::string_view syscall,
                    std::string_view path = {}) {
  if (result < 0) throw system_error(env, result, syscall, path);
  return result;
}

}  // namespace tsrunc::addon
