// JavaScript values to C++ ones, refusing what Node-API would silently bend: NaN becomes 0 there,
// which is standard input.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "javascript.h"

namespace tsrunc::addon {

/** An integer between the two bounds, both included. `what` names the argument in the error. */
int64_t to_integer(Napi::Value value, const char* what, int64_t low, int64_t high);
uint32_t to_u32(Napi::Value value, const char* what);
int to_fd(Napi::Value value);
std::vector<int> to_fds(Napi::Value value);
/** Text for the kernel: without a NUL, at which the kernel would cut it off. */
std::string to_text(Napi::Value value, const char* what);
std::vector<std::string> to_texts(Napi::Value value, const char* what);
/** The bytes of a Uint8Array, which belong to JavaScript: valid until it runs again. */
std::span<const uint8_t> to_bytes(Napi::Value value);
uint64_t to_u64(Napi::Value value, const char* what);
Napi::Object to_object(Napi::Value value, const char* what);
Napi::Array to_array(Napi::Value value, const char* what);

}  // namespace tsrunc::addon
