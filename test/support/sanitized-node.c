// Stands for Node in the tree of scripts/sanitized.mjs: becomes it with the sanitizers' runtime in it, which the addon there
// wants, and which the launcher would take out of the environment.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  setenv("LD_PRELOAD", RUNTIME, 1);
  // Node leaves to the kernel what it has at its end.
  setenv("ASAN_OPTIONS", "detect_leaks=0:exitcode=86:log_path=" REPORTS, 1);
  setenv("UBSAN_OPTIONS", "print_stacktrace=1:exitcode=86:log_path=" REPORTS ".ub", 1);
  for (int i = 1; i < argc; ++i) {
    if (strstr(argv[i], "/dist/tsrunc.cjs") != NULL) setenv("TSRUNC_FORGET_RUNTIME", "1", 1);
  }
  execv(NODE, argv);
  return 127;
}
