// A test harness of one page: TEST(name) { CHECK(...); } registers a test, check.cc has main.
#pragma once

#include <stdint.h>
#include <string.h>

#include <string>
#include <string_view>

namespace tsrunc::test {

/** Adds a test when the program starts. */
struct Registration {
  Registration(const char* name, void (*body)());
};

/** Says what was expected in vain, and lets the running test fail. It goes on. */
void fail(const char* file, int line, const std::string& what);

inline std::string shown(std::string_view text) { return "\"" + std::string(text) + "\""; }
inline std::string shown(const char* text) { return shown(std::string_view(text)); }
inline std::string shown(const std::string& text) { return shown(std::string_view(text)); }
template <typename Number>
std::string shown(Number number) {
  return std::to_string(number);
}

inline bool same(const char* a, const char* b) { return strcmp(a, b) == 0; }
template <typename A, typename B>
bool same(const A& a, const B& b) {
  return a == b;
}

}  // namespace tsrunc::test

#define TEST(name)                                                                 \
  static void test_##name();                                                       \
  static const tsrunc::test::Registration registration_##name(#name, test_##name); \
  static void test_##name()

/** Expects something to be true. */
#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) tsrunc::test::fail(__FILE__, __LINE__, #condition); \
  } while (false)

/** Expects two values to be equal, and shows them when they aren't. */
#define CHECK_EQUAL(actual, expected)                                                         \
  do {                                                                                        \
    const auto is = (actual);                                                                 \
    const auto wanted = (expected);                                                           \
    if (!tsrunc::test::same(is, wanted)) {                                                    \
      tsrunc::test::fail(                                                                     \
          __FILE__, __LINE__,                                                                 \
          #actual " is " + tsrunc::test::shown(is) + ", not " + tsrunc::test::shown(wanted)); \
    }                                                                                         \
  } while (false)

/** Ends this test when what follows would make no sense. */
#define REQUIRE(condition)                                       \
  do {                                                           \
    if (!(condition)) {                                          \
      return tsrunc::test::fail(__FILE__, __LINE__, #condition); \
    }                                                            \
  } while (false)
