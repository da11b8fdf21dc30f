// The format of Programs and messages: little-endian, unaligned; strings are length, bytes and a
// NUL that the length doesn't count, so that they can be used where they lie. A Reader never reads
// past its end and never trusts a length: after the first violation it is `failed` and yields zeros.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tsrunc {

class Reader;

/** Bytes inside a Program. */
struct Bytes {
  const uint8_t* data = nullptr;
  uint32_t size = 0;
};

/** Strings that lie one after the other inside a Program. */
class StringList {
 public:
  [[nodiscard]] uint32_t size() const { return count_; }
  /** Calls `act(const char*)` for each in order. */
  template <typename Act>
  void each(Act act) const;

 private:
  friend class Reader;
  const uint8_t* data_ = nullptr;
  uint32_t count_ = 0;
};

class U32List {
 public:
  [[nodiscard]] uint32_t size() const { return count_; }
  /** The numbers as they lie there, unaligned. */
  [[nodiscard]] const void* data() const { return data_; }
  [[nodiscard]] uint32_t operator[](uint32_t index) const {
    uint32_t value;
    __builtin_memcpy(&value, data_ + size_t{4} * index, sizeof value);
    return value;
  }

 private:
  friend class Reader;
  const uint8_t* data_ = nullptr;
  uint32_t count_ = 0;
};

class Reader {
 public:
  Reader() = default;
  Reader(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}

  [[nodiscard]] bool failed() const { return failed_; }
  /** Whether everything was read, and all of it was well formed. */
  [[nodiscard]] bool at_end() const { return !failed_ && next_ == end_; }

  void read(uint8_t& value) { copy(&value, sizeof value); }
  void read(uint32_t& value) { copy(&value, sizeof value); }
  void read(int32_t& value) { copy(&value, sizeof value); }
  void read(uint64_t& value) { copy(&value, sizeof value); }
  void read(bool& value) {
    uint8_t byte = 0;
    read(byte);
    if (byte > 1) fail();
    value = byte == 1;
  }
  void read(const char*& value);
  void read(Bytes& value) {
    read(value.size);
    value.data = skip(value.size);
    if (failed_) value = {};
  }
  void read(StringList& value);
  void read(U32List& value) {
    read(value.count_);
    value.data_ = skip(uint64_t{4} * value.count_);
    if (failed_) value = {};
  }
  /** The next `size` bytes as a reader of their own. */
  [[nodiscard]] Reader slice(uint32_t size) {
    const uint8_t* start = skip(size);
    return failed_ ? Reader{} : Reader{start, size};
  }

 private:
  void fail() {
    failed_ = true;
    next_ = end_;
  }
  const uint8_t* skip(uint64_t size) {
    if (failed_ || size > static_cast<uint64_t>(end_ - next_)) {
      fail();
      return nullptr;
    }
    const uint8_t* start = next_;
    next_ += size;
    return start;
  }
  void copy(void* to, size_t size) {
    const uint8_t* from = skip(size);
    if (from != nullptr) {
      __builtin_memcpy(to, from, size);
    } else {
      __builtin_memset(to, 0, size);
    }
  }

  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool failed_ = false;
};

inline void Reader::read(const char*& value) {
  value = "";
  uint32_t size = 0;
  read(size);
  const uint8_t* start = skip(uint64_t{size} + 1);
  if (start == nullptr) return;
  // A NUL inside would make two readers of this string disagree about its end.
  for (uint32_t i = 0; i < size; ++i) {
    if (start[i] == 0) return fail();
  }
  if (start[size] != 0) return fail();
  value = reinterpret_cast<const char*>(start);
}

inline void Reader::read(StringList& value) {
  value = {};
  uint32_t count = 0;
  read(count);
  const uint8_t* start = next_;
  for (uint32_t i = 0; i < count && !failed_; ++i) {
    const char* ignored = nullptr;
    read(ignored);
  }
  if (failed_) return;
  value.data_ = start;
  value.count_ = count;
}

template <typename Act>
void StringList::each(Act act) const {
  const uint8_t* next = data_;
  for (uint32_t i = 0; i < count_; ++i) {
    uint32_t size;
    __builtin_memcpy(&size, next, sizeof size);
    act(reinterpret_cast<const char*>(next + sizeof size));
    next += sizeof size + size + 1;
  }
}

/** Builds a message in a buffer of fixed size; what doesn't fit of a string is cut off. */
template <size_t Capacity>
class Writer {
 public:
  void u8(uint8_t value) { append(&value, sizeof value); }
  void u32(uint32_t value) { append(&value, sizeof value); }
  void u64(uint64_t value) { append(&value, sizeof value); }
  void string(const char* text, size_t most) {
    size_t size = 0;
    while (size < most && text[size] != 0) ++size;
    u32(static_cast<uint32_t>(size));
    append(text, size);
    u8(0);
  }
  [[nodiscard]] const uint8_t* data() const { return bytes_; }
  [[nodiscard]] size_t size() const { return size_; }
  /** Whether something was left out, since there was no room for it. */
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  void append(const void* from, size_t size) {
    if (size > Capacity - size_) {
      overflowed_ = true;
      return;
    }
    __builtin_memcpy(bytes_ + size_, from, size);
    size_ += size;
  }
  uint8_t bytes_[Capacity];
  size_t size_ = 0;
  bool overflowed_ = false;
};

}  // namespace tsrunc
