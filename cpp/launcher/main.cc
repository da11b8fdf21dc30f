// tsrunc's command: finds the package that it lies in and a Node, and executes the command's code
// with it. It is what callers name as their runtime, so it takes nothing of theirs on trust: see
// environment.cc and node.cc.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "complaint.h"
#include "environment.h"
#include "find_node.h"
#include "host.h"

namespace tsrunc {
namespace {

/**
 * What Node is started with. Code comes from the package alone, not from ~/.node_modules either. The
 * rest is for a short call, so not the host's: its threads for compiling aren't made; V8 doesn't hash
 * its own strings anew with a seed of this process's, a sixth of Node's start (docs/security.md says
 * what that means), nor sum up the bytes of its own snapshot; nothing is compiled to machine code, which
 * comes too late to be of use; there is room (MiB) for what a call makes, so that no garbage is collected;
 * and the path of the code, which package() made, isn't resolved once more.
 * Every Node from 20.16 to 26 knows them all.
 */
constexpr const char* kFlags[] = {"--no-global-search-paths", "--v8-pool-size=0", "--no-rehash-snapshot",
                                  "--no-verify-snapshot-checksum", "--no-sparkplug", "--min-semi-space-size=4",
                                  "--preserve-symlinks-main"};
constexpr size_t kFlagCount = sizeof kFlags / sizeof kFlags[0];

constexpr const char* kCode = "/dist/tsrunc.cjs";

/** The package's folder: this program lies two folders below it, whatever links lead here. */
PathText package() {
  PathText path;
  char target[4096];
  const long size = sys(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", target, sizeof target);
  if (size < 0)
    end_because("read where this program lies, from /proc/self/exe", -size, "mount /proc");
  size_t end = static_cast<size_t>(size);
  for (int up = 0; up < 3 && end > 0; ++up) {
    while (end > 0 && target[--end] != '/') continue;
  }
  return path.add(target, end);
}

/** The soft limit of open files: Node raises its own, and the container is due the caller's. */
Text<32> open_files() {
  Text<32> text;
  rlimit limit{};
  if (sys(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit) < 0) return text;
  if (limit.rlim_cur == RLIM_INFINITY) return text;
  return text.add(kOpenFiles).add_number(limit.rlim_cur);
}

/** Becomes Node, which carries the call out. */
void execute(const Call& call) {
  size_t given = 0;
  while (call.args[given] != nullptr) ++given;
  PathText code;
  code.add(call.root).add(kCode);
  // On the stack, whose size the kernel checked against that of the arguments.
  auto** args =
      static_cast<const char**>(__builtin_alloca((given + kFlagCount + 3) * sizeof(char*)));
  size_t at = 1;  // The first is Node's own name.
  const size_t flags = is_host(call) ? 1 : kFlagCount;
  for (size_t i = 0; i < flags; ++i) args[at++] = kFlags[i];
  args[at++] = code.get();
  for (size_t i = 0; i < given; ++i) args[at++] = call.args[i];
  args[at] = nullptr;
  execute_node(call.root, call.callers, args, call.environment);
}

void run(int argc, char** argv) {
  char** const callers = argv + argc + 1;
  const PathText root = package();
  PathText code = root;
  code.add(kCode);
  if (code.overflowed())
    end_because("find the command's code", ENAMETOOLONG, "install tsrunc elsewhere");
  const long found = sys(SYS_faccessat, AT_FDCWD, code.get(), R_OK);
  if (found < 0) end_because("read ", code.get(), -found, "install the package again");

  const Text<32> limit = open_files();
  size_t count = 0;
  while (callers[count] != nullptr) ++count;
  auto** environment = static_cast<const char**>(__builtin_alloca((count + 2) * sizeof(char*)));
  clean_environment(callers, limit.get(), environment);
  const Call call{root.get(), argv + (argc > 0 ? 1 : 0), environment, callers};
  ask_host(call, execute);
  execute(call);
}

}  // namespace
}  // namespace tsrunc

extern "C" int tsrunc_main(int argc, char** argv) {
  tsrunc::run(argc, argv);
  return 1;
}
