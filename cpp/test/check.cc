#include "check.h"

#include <stdio.h>

#include <vector>

namespace tsrunc::test {
namespace {

struct Test {
  const char* name;
  void (*body)();
};

/** Made when first used: registrations run before main, in no order across files. */
std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

bool failed = false;

}  // namespace

Registration::Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }

void fail(const char* file, int line, const std::string& what) {
  failed = true;
  printf("%s:%d: %s\n", file, line, what.c_str());
}

}  // namespace tsrunc::test

int main() {
  using namespace tsrunc::test;
  int failures = 0;
  for (const Test& test : tests()) {
    failed = false;
    test.body();
    if (failed) ++failures;
    printf("%s %s\n", failed ? "FAIL" : "ok  ", test.name);
  }
  printf("%zu tests, %d failed\n", tests().size(), failures);
  return failures == 0 && !tests().empty() ? 0 : 1;
}
