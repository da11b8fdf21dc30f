// Errors are values: what failed, on what, and why.
#pragma once

#include <stdint.h>

#include "unique_fd.h"

namespace tsrunc {

/** A failed act. The strings live as long as the process: literals, the Program, or a static buffer. */
struct Error {
  /** A positive errno, or 0 when `detail` says it all. */
  int number = 0;
  const char* syscall = "";
  const char* path = "";
  const char* detail = "";
};

/** A value or an Error. */
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(static_cast<T&&>(value)), ok_(true) {}  // NOLINT: converting on purpose
  Result(Error error) : error_(error) {}                          // NOLINT: converting on purpose

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] T& value() { return value_; }
  [[nodiscard]] T take() { return static_cast<T&&>(value_); }

 private:
  T value_{};
  Error error_{};
  bool ok_ = false;
};

/** Success or an Error. */
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(error), ok_(false) {}  // NOLINT: converting on purpose

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const Error& error() const { return error_; }
  void take() {}

 private:
  Error error_{};
  bool ok_ = true;
};

using Status = Result<void>;

/** What a system call answered: an Error when it failed. */
inline Status check(long result, const char* syscall, const char* path = "") {
  if (result < 0) return Error{static_cast<int>(-result), syscall, path};
  return {};
}

/** The same for a system call that answers a descriptor. */
inline Result<UniqueFd> check_fd(long result, const char* syscall, const char* path = "") {
  if (result < 0) return Error{static_cast<int>(-result), syscall, path};
  return UniqueFd(static_cast<int>(result));
}

}  // namespace tsrunc

/** The value of a Result, or return its error from this function. A statement expression: GCC and Clang both have them. */
#define TRY(expression)                       \
  ({                                          \
    auto&& tried = (expression);              \
    if (!tried.ok()) return tried.error();    \
    tried.take();                             \
  })
