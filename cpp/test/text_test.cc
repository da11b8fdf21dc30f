#include "../core/text.h"

#include <sys/sysmacros.h>

#include "../core/device.h"
#include "check.h"

namespace tsrunc {
namespace {

TEST(text_is_what_was_added) {
  Text<16> text;
  CHECK_EQUAL(text.get(), "");
  text.add("/proc/").add_number(0).add("/").add("fdinfo", 2);
  CHECK_EQUAL(text.get(), "/proc/0/fd");
  CHECK_EQUAL(text.size(), size_t{10});
  text.truncate(5);
  CHECK_EQUAL(text.get(), "/proc");
  CHECK(!text.overflowed());
}

TEST(numbers_have_all_their_digits) {
  Text<32> text;
  text.add_number(UINT64_MAX).add(" ").add_number(10);
  CHECK_EQUAL(text.get(), "18446744073709551615 10");
}

TEST(what_does_not_fit_is_left_out_whole_and_said) {
  Text<8> text;
  text.add("1234567");
  CHECK_EQUAL(text.get(), "1234567");
  CHECK(!text.overflowed());
  text.add("8");
  CHECK(text.overflowed());
  CHECK_EQUAL(text.get(), "1234567");
  text.truncate(3);
  CHECK(text.overflowed());
  text.clear();
  CHECK(!text.overflowed());
  text.add("12345678");
  CHECK(text.overflowed());
  CHECK_EQUAL(text.get(), "");
  text.clear();
  text.add("x", SIZE_MAX);
  CHECK(text.overflowed());
}

TEST(only_decimal_numbers_of_32_bits_are_numbers) {
  uint32_t value = 0;
  CHECK(parse_u32("0", value) && value == 0);
  CHECK(parse_u32("4294967295", value) && value == UINT32_MAX);
  CHECK(parse_u32("007", value) && value == 7);
  value = 11;
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "4294967296", "18446744073709551616",
        "99999999999999999999999999", "1\n", "\xd9\xa1"}) {
    CHECK(!parse_u32(text, value));
  }
  CHECK_EQUAL(value, 11U);
}

TEST(strings_are_compared_to_their_end) {
  CHECK(equal("", "") && equal("ab", "ab"));
  CHECK(!equal("a", "ab") && !equal("ab", "a") && !equal("", "a") && !equal("ab", "ac"));
  CHECK(starts_with("ab", "") && starts_with("ab", "a") && starts_with("ab", "ab"));
  CHECK(!starts_with("a", "ab") && !starts_with("", "a") && !starts_with("ba", "a"));
  const char* text = "a=b=c";
  CHECK(find(text, '=') == text + 1);
  CHECK(find(text, 'x') == nullptr);
  CHECK(find("", 'x') == nullptr);
}

TEST(device_numbers_are_those_of_libc) {
  for (const uint32_t major : {0U, 1U, 5U, 0xffU, 0x100U, 0xfffU, 0x1000U, 0xabcdefU, UINT32_MAX}) {
    for (const uint32_t minor : {0U, 3U, 0xffU, 0x100U, 0xfffffU, 0x100000U, UINT32_MAX}) {
      CHECK_EQUAL(device_number(major, minor), uint64_t{makedev(major, minor)});
    }
  }
}

}  // namespace
}  // namespace tsrunc
