// The few string functions that init needs; it has no libc.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tsrunc {

inline size_t length(const char* text) { return __builtin_strlen(text); }

inline bool equal(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

inline bool starts_with(const char* text, const char* prefix) {
  while (*prefix != 0 && *text == *prefix) ++text, ++prefix;
  return *prefix == 0;
}

/** Where `wanted` first is in `text`, or nullptr. */
inline const char* find(const char* text, char wanted) {
  for (; *text != 0; ++text) {
    if (*text == wanted) return text;
  }
  return nullptr;
}

/** A decimal number without sign or space; false when it is anything else or too large. */
inline bool parse_u32(const char* text, uint32_t& value) {
  if (*text == 0) return false;
  uint64_t sum = 0;
  for (; *text != 0; ++text) {
    if (*text < '0' || *text > '9') return false;
    sum = sum * 10 + static_cast<uint64_t>(*text - '0');
    if (sum > UINT32_MAX) return false;
  }
  value = static_cast<uint32_t>(sum);
  return true;
}

/** Text of limited length, always terminated; `overflowed` when something didn't fit. */
template <size_t Capacity>
class Text {
 public:
  Text() { bytes_[0] = 0; }
  Text& add(const char* text) { return add(text, length(text)); }
  Text& add(const char* text, size_t size) {
    if (size >= Capacity - size_) {
      overflowed_ = true;
      return *this;
    }
    __builtin_memcpy(bytes_ + size_, text, size);
    size_ += size;
    bytes_[size_] = 0;
    return *this;
  }
  Text& add_number(uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return add(digits + at, sizeof digits - at);
  }
  void truncate(size_t size) {
    size_ = size;
    bytes_[size_] = 0;
  }
  void clear() {
    truncate(0);
    overflowed_ = false;
  }
  [[nodiscard]] const char* get() const { return bytes_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  char bytes_[Capacity];
  size_t size_ = 0;
  bool overflowed_ = false;
};

/** As long as a path can be, PATH_MAX. */
using PathText = Text<4096>;

}  // namespace tsrunc
