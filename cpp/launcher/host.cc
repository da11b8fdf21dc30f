#include "host.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "environment.h"
#include "follower.h"

namespace tsrunc {
namespace {

/** Where the host of this user listens; empty when none is to be asked. */
PathText socket_of(char* const* callers) {
  PathText path;
  const char* const named = variable(callers, "TSRUNC_HOST=");
  if (named != nullptr) return *named == '/' ? path.add(named) : path;
  if (sys(SYS_geteuid) == 0) return path.add("/run/tsrunc-host/socket");
  const char* const own = variable(callers, "XDG_RUNTIME_DIR=");
  if (own == nullptr || *own != '/') return path;
  return path.add(own).add("/tsrunc-host/socket");
}

void add_list(Outgoing& message, const char* const* words) {
  uint32_t count = 0;
  while (words[count] != nullptr) ++count;
  message.u32(count);
  for (; *words != nullptr; ++words) message.string(*words, length(*words));
}

/** Tells the host all that it can't see from outside; false when that is too long. */
bool describe(const Call& call, const int (&own)[2], Outgoing& message) {
  PathText code;
  code.add(call.root).add("/dist/cli.cjs");
  struct stat status {};
  if (sys(SYS_newfstatat, AT_FDCWD, code.get(), &status, 0) < 0) return false;
  char directory[4096];
  const long size = sys(SYS_getcwd, directory, sizeof directory);
  // A working directory that was removed, or lies outside of our root, has no path to give.
  if (size <= 0 || directory[0] != '/') return false;
  message.u8(static_cast<uint8_t>(messages::Report::Call));
  message.u32(messages::kFingerprint);
  message.u64(status.st_ino);
  message.u64(static_cast<uint64_t>(status.st_size));
  message.u64(static_cast<uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
              static_cast<uint64_t>(status.st_mtim.tv_nsec));
  message.u32(2);
  for (int fd : own) message.u32(static_cast<uint32_t>(fd));
  message.string(directory, sizeof directory);
  add_list(message, call.args);
  add_list(message, call.environment);
  return !message.overflowed();
}

}  // namespace

bool is_host(const Call& call) {
  for (const char* const* arg = call.args; *arg != nullptr; ++arg) {
    if (equal(*arg, "host")) return true;
  }
  return false;
}

void ask_host(const Call& call, Cold cold) {
  const PathText path = socket_of(call.callers);
  if (is_host(call) || path.size() == 0 || path.overflowed()) return;
  auto opened = Connection::open(path.get());
  if (!opened.ok()) return;
  Connection connection = opened.take();
  auto caught = Signals::open();
  if (!caught.ok()) return;
  const Signals signals = caught.take();
  static Outgoing message;
  if (describe(call, {connection.fd(), signals.fd()}, message) && connection.send(message).ok())
    Follower(call, cold, connection, signals).run();
  connection.close();
  signals.restore();
}

}  // namespace tsrunc
