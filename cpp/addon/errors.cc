#include "errors.h"

#include <string.h>
#include <uv.h>

#include <cstdlib>

namespace tsrunc::addon {
namespace {

struct Description {
  std::string code;
  std::string text;
};

/** libuv's names, so that they are the ones of Node's own errors; libc's for the few that libuv has
 * not (ECHILD). */
Description describe(int number) {
  constexpr std::string_view kUnknown = "Unknown system error";
  char name[64];
  char text[128];
  uv_err_name_r(-number, name, sizeof name);
  if (!std::string_view(name).starts_with(kUnknown)) {
    return {name, uv_strerror_r(-number, text, sizeof text)};
  }
#if defined(__GLIBC__)
  if (const char* known = strerrorname_np(number)) return {known, strerrordesc_np(number)};
#endif
  return {"E" + std::to_string(number), "unknown system error"};
}

}  // namespace

Napi::Error system_error(Napi::Env env, long number, std::string_view syscall,
                         std::string_view path, std::string_view detail) {
  const int positive = static_cast<int>(std::labs(number));
  const auto [code, text] = describe(positive);
  std::string message = code + ": " + text + ", " + std::string(syscall);
  if (!path.empty()) message += " '" + std::string(path) + "'";
  if (!detail.empty()) message += ": " + std::string(detail);
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", code);
  error.Set("errno", Napi::Number::New(env, -positive));
  error.Set("syscall", std::string(syscall));
  if (!path.empty()) error.Set("path", std::string(path));
  return error;
}

Napi::Error argument_error(Napi::Env env, std::string_view what) {
  Napi::Error error = Napi::TypeError::New(env, std::string(what));
  error.Set("code", "INVALID_ARGUMENT");
  return error;
}

}  // namespace tsrunc::addon
