// Builds what a Reader reads.
#pragma once

#include <stdint.h>
#include <string.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "../core/wire.h"

namespace tsrunc::test {

class BytesOf {
 public:
  BytesOf&& u8(uint8_t value) && { return std::move(*this).little(value, 1); }
  BytesOf&& u32(uint32_t value) && { return std::move(*this).little(value, 4); }
  BytesOf&& u64(uint64_t value) && { return std::move(*this).little(value, 8); }
  BytesOf&& raw(std::string_view text) && {
    bytes_.append(text);
    return std::move(*this);
  }
  /** A string as the wire has it: its length, its bytes and a NUL. */
  BytesOf&& string(std::string_view text) && {
    return std::move(*this).u32(static_cast<uint32_t>(text.size())).raw(text).u8(0);
  }
  operator std::string() && { return std::move(bytes_); }  // NOLINT: converting on purpose

 private:
  BytesOf&& little(uint64_t value, int size) && {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
    return std::move(*this);
  }
  std::string bytes_;
};

/** A Reader over a heap block of exactly this size, so that AddressSanitizer sees a read past its
 * end. */
class Input {
 public:
  explicit Input(const std::string& bytes)
      : block_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    memcpy(block_.get(), bytes.data(), bytes.size());
  }
  [[nodiscard]] Reader reader() const { return {block_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> block_;
  size_t size_;
};

}  // namespace tsrunc::test
