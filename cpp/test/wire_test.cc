#include "../core/wire.h"

#include <vector>

#include "../core/operations.h"
#include "../core/result.h"
#include "bytes.h"
#include "check.h"

namespace tsrunc {
namespace {

using test::BytesOf;
using test::Input;

std::vector<std::string> strings(const StringList& list) {
  std::vector<std::string> all;
  list.each([&](const char* text) { all.emplace_back(text); });
  return all;
}

TEST(numbers_are_little_endian_at_any_address) {
  const Input input(BytesOf().u8(1).u32(0x04030201).u32(0xffffffff).u64(0x0807060504030201).u8(0));
  Reader reader = input.reader();
  uint8_t u8 = 0;
  uint32_t u32 = 0;
  int32_t i32 = 0;
  uint64_t u64 = 0;
  bool flag = true;
  reader.read(u8);
  reader.read(u32);
  reader.read(i32);
  reader.read(u64);
  CHECK(!reader.at_end());
  reader.read(flag);
  CHECK(reader.at_end());
  CHECK_EQUAL(u8, 1);
  CHECK_EQUAL(u32, 0x04030201U);
  CHECK_EQUAL(i32, -1);
  CHECK_EQUAL(u64, 0x0807060504030201UL);
  CHECK_EQUAL(flag, false);
}

TEST(a_bool_is_0_or_1) {
  for (const uint8_t byte : {2, 0x80, 0xff}) {
    const Input input(BytesOf().u8(byte));
    Reader reader = input.reader();
    bool value = true;
    reader.read(value);
    CHECK(reader.failed());
    CHECK_EQUAL(value, false);
  }
}

/** Reads one of everything. */
void read_all(Reader& reader) {
  uint64_t number = 0;
  const char* text = nullptr;
  StringList texts;
  U32List numbers;
  Bytes bytes;
  bool flag = false;
  reader.read(number);
  reader.read(text);
  reader.read(texts);
  reader.read(numbers);
  reader.read(bytes);
  reader.read(flag);
  CHECK(text != nullptr);
  CHECK(strings(texts).size() == texts.size());
}

std::string one_of_everything() {
  return BytesOf()
      .u64(7)
      .string("text")
      .u32(2)
      .string("")
      .string("second")
      .u32(2)
      .u32(1)
      .u32(2)
      .u32(3)
      .raw("abc")
      .u8(1);
}

TEST(whatever_is_cut_off_fails_and_is_never_read_past) {
  const std::string whole = one_of_everything();
  const Input input(whole);
  Reader reader = input.reader();
  read_all(reader);
  CHECK(reader.at_end());
  for (size_t size = 0; size < whole.size(); ++size) {
    const Input part(whole.substr(0, size));
    Reader cut = part.reader();
    read_all(cut);
    CHECK(cut.failed());
    CHECK(!cut.at_end());
  }
}

TEST(after_a_failure_everything_is_zero) {
  const Input input(BytesOf().u8(9).u32(5));
  Reader reader = input.reader();
  bool flag = false;
  reader.read(flag);
  uint32_t number = 4711;
  const char* text = nullptr;
  StringList texts;
  U32List numbers;
  Bytes bytes{reinterpret_cast<const uint8_t*>("x"), 1};
  reader.read(number);
  reader.read(text);
  reader.read(texts);
  reader.read(numbers);
  reader.read(bytes);
  CHECK(reader.failed());
  CHECK_EQUAL(number, 0U);
  CHECK_EQUAL(text, "");
  CHECK_EQUAL(texts.size(), 0U);
  CHECK_EQUAL(numbers.size(), 0U);
  CHECK(bytes.data == nullptr);
  CHECK_EQUAL(bytes.size, 0U);
  CHECK(reader.slice(0).failed() || reader.slice(0).at_end());
}

/** Lengths that are too large by one, by a sign, and by what wraps around when it is counted up or
 * multiplied. */
constexpr uint32_t kLies[] = {4,          0x3fffffff, 0x40000000, 0x40000001,
                              0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

template <typename Value>
void expect_refused(const std::string& bytes) {
  const Input input(bytes);
  Reader reader = input.reader();
  Value value{};
  reader.read(value);
  CHECK(reader.failed());
}

TEST(a_length_that_reaches_beyond_the_end_is_refused) {
  for (const uint32_t lie : kLies) {
    // Three bytes follow: of a string, with its NUL, 2 is the longest.
    expect_refused<const char*>(BytesOf().u32(lie).raw(std::string_view("ab\0", 3)));
    expect_refused<Bytes>(BytesOf().u32(lie).raw("abc"));
    expect_refused<U32List>(BytesOf().u32(lie).u32(1).u32(2).raw("abc"));
    expect_refused<StringList>(BytesOf().u32(lie).string("").string("").string(""));
    const Input input("abc");
    Reader reader = input.reader();
    CHECK(reader.slice(lie).at_end());
    CHECK(reader.failed());
  }
}

TEST(a_string_ends_where_its_length_says) {
  using std::string_view;
  // A NUL inside; none at the end; a length that includes the NUL.
  expect_refused<const char*>(BytesOf().u32(3).raw(string_view("a\0b\0", 4)));
  expect_refused<const char*>(BytesOf().u32(3).raw("abcd"));
  expect_refused<const char*>(BytesOf().u32(4).raw(string_view("abc\0\0", 5)));
  expect_refused<StringList>(BytesOf().u32(2).string("good").u32(1).raw(string_view("\0\0", 2)));
}

TEST(lists_yield_their_elements_in_order) {
  const Input input(
      BytesOf().u32(3).string("a").string("").string("c").u32(2).u32(7).u32(0xffffffff));
  Reader reader = input.reader();
  StringList texts;
  U32List numbers;
  reader.read(texts);
  reader.read(numbers);
  CHECK(reader.at_end());
  CHECK(strings(texts) == (std::vector<std::string>{"a", "", "c"}));
  REQUIRE(numbers.size() == 2);
  CHECK_EQUAL(numbers[0], 7U);
  CHECK_EQUAL(numbers[1], 0xffffffffU);
}

TEST(a_slice_ends_where_it_ends) {
  const Input input(BytesOf().u32(1).u32(2).u32(3));
  Reader reader = input.reader();
  Reader slice = reader.slice(4);
  uint32_t value = 0;
  slice.read(value);
  CHECK_EQUAL(value, 1U);
  CHECK(slice.at_end());
  slice.read(value);
  CHECK(slice.failed());
  reader.read(value);
  CHECK_EQUAL(value, 2U);
  CHECK(!reader.failed());
}

/** Takes the place of init's: remembers what it is asked for. */
struct Listener {
  std::string heard;
  [[nodiscard]] Status malformed() const { return Error{0, "", "", "malformed"}; }
  template <typename Operation>
  Status run(const Operation&) {
    heard = "another";
    return {};
  }
  Status run(const operations::SetHostname& op) {
    heard = op.name;
    return {};
  }
};

bool dispatched(operations::Code code, const std::string& bytes, Listener& listener) {
  const Input input(bytes);
  Reader reader = input.reader();
  return operations::dispatch(static_cast<uint8_t>(code), reader, listener).ok();
}

TEST(an_operation_is_carried_out_when_its_arguments_are_all_there_and_nothing_else) {
  using operations::Code;
  Listener listener;
  CHECK(dispatched(Code::SetHostname, BytesOf().string("box"), listener));
  CHECK_EQUAL(listener.heard, std::string("box"));
  CHECK(!dispatched(Code::SetHostname, BytesOf().string("other").u8(0), listener));
  CHECK(!dispatched(Code::SetHostname, BytesOf().u32(2), listener));
  CHECK(!dispatched(Code::SetHostname, "", listener));
  CHECK(!dispatched(static_cast<Code>(0), "", listener));
  CHECK(!dispatched(static_cast<Code>(255), "", listener));
  CHECK_EQUAL(listener.heard, std::string("box"));
}

TEST(a_message_that_is_built_can_be_read) {
  Writer<32> writer;
  writer.u8(3);
  writer.u32(0x01020304);
  writer.string("text", 100);
  writer.string("cut off", 3);
  const Input input({reinterpret_cast<const char*>(writer.data()), writer.size()});
  Reader reader = input.reader();
  uint8_t code = 0;
  uint32_t number = 0;
  const char* text = nullptr;
  const char* cut = nullptr;
  reader.read(code);
  reader.read(number);
  reader.read(text);
  reader.read(cut);
  CHECK(reader.at_end());
  CHECK_EQUAL(number, 0x01020304U);
  CHECK_EQUAL(text, "text");
  CHECK_EQUAL(cut, "cut");
}

}  // namespace
}  // namespace tsrunc
