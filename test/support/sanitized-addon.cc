// In an addon that is built with AddressSanitizer: the command's children, ps among them, don't get the runtime that
// sanitized-node.c has put into the command.
#include <stdlib.h>

namespace {

[[gnu::constructor]] void forget_runtime() {
  if (getenv("TSRUNC_FORGET_RUNTIME") == nullptr) return;
  unsetenv("TSRUNC_FORGET_RUNTIME");
  unsetenv("LD_PRELOAD");
}

}  // namespace
