// Argument vectors for execve, built from a Program's strings.
#pragma once

#include "../core/wire.h"

namespace tsrunc {

/** A NULL-terminated array of pointers into the Program, in pages of its own: init has no heap. */
class Vector {
 public:
  /** Room for all of `list` and one more; get() is nullptr when there is no memory. */
  explicit Vector(const StringList& list);
  Vector() = default;
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;
  /** The pages last as long as the process. */
  Vector& operator=(Vector&&) = default;

  /** Adds one string after those of the list. */
  void append(const char* text);
  [[nodiscard]] const char* const* get() const { return items_; }

 private:
  const char** items_ = nullptr;
  uint32_t count_ = 0;
};

}  // namespace tsrunc
