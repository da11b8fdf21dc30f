// Starts init the way vfork does: the child borrows this process's memory until it has become
// init, so a Node process of any size costs nothing to copy. Meanwhile it may run nothing but
// system calls: every lock, errno and the heap are the parent's.
#include "../core/child.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "memfd.h"

extern "C" const uint8_t tsrunc_init_begin[] __attribute__((visibility("hidden")));
extern "C" const uint8_t tsrunc_init_end[] __attribute__((visibility("hidden")));

namespace tsrunc::addon {
namespace {

constexpr int kByPidfd = 3;  // P_PIDFD

/** The child's stack, above a page that nothing can be written to. */
class Stack {
 public:
  explicit Stack(Napi::Env env) : guard_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
    mapping_ = checked(
        env, sys(SYS_mmap, nullptr, guard_ + kSize, PROT_READ | PROT_WRITE, flags, -1), "mmap");
    sys(SYS_mprotect, mapping_, guard_, PROT_NONE);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() {
#if defined(__SANITIZE_ADDRESS__)
    // Its functions didn't return, so their frames are still marked: the next mapping here inherits
    // that.
    __asan_unpoison_memory_region(reinterpret_cast<void*>(lowest()), kSize);
#endif
    sys(SYS_munmap, mapping_, guard_ + kSize);
  }

  [[nodiscard]] uint64_t lowest() const { return static_cast<uint64_t>(mapping_) + guard_; }
  static constexpr size_t kSize = size_t{64} * 1024;

 private:
  size_t guard_;
  long mapping_ = 0;
};

/**
 * Blocks every signal of this thread, those that libc keeps for itself included: a handler must not
 * run in the child, on memory that it shares.
 */
class SignalsBlocked {
 public:
  SignalsBlocked() {
    const uint64_t all = ~uint64_t{0};
    sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { sys(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_); }

 private:
  uint64_t before_ = 0;
};

/** init's memfd, made by the first spawn and kept for all: each takes it from the same pages. */
int init_image(Napi::Env env) {
  static const int fd =
      sealed_memfd(env, "tsrunc-init", {tsrunc_init_begin, tsrunc_init_end}, Executable::Yes)
          .release();
  return fd;
}

struct Process {
  long pid;
  UniqueFd pidfd;
};

Process start(Napi::Env env, Child& child, std::optional<int> cgroup) {
  const Stack stack(env);
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = stack.lowest();
  arguments.stack_size = Stack::kSize;
  if (cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(*cgroup);
  }
  const SignalsBlocked blocked;
  const long pid = clone_child(arguments, child);
  return {checked(env, pid, "clone3"), UniqueFd(pidfd)};
}

std::vector<const char*> to_argv(const std::vector<std::string>& args) {
  std::vector<const char*> argv{"tsrunc-init"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  argv.push_back(nullptr);
  return argv;
}

}  // namespace

Napi::Value spawn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = to_object(info[0], "spawn's options");
  const Napi::Value callers = options.Get("callers");
  std::vector<int> fds = callers.IsUndefined() ? std::vector<int>{} : to_fds(callers);
  for (int fd : to_fds(options.Get("fds"))) fds.push_back(fd);
  const std::vector<std::string> args = to_texts(options.Get("args"), "init's arguments");
  const std::vector<const char*> argv = to_argv(args);
  const Napi::Value cgroup = options.Get("cgroup");
  std::vector<int> copies(fds.size());

  Child child{fds.data(), copies.data(), static_cast<int>(fds.size()), init_image(env),
              argv.data()};
  Process process =
      start(env, child, cgroup.IsUndefined() ? std::nullopt : std::optional(to_fd(cgroup)));
  if (child.error != 0) {
    siginfo_t status{};
    sys(SYS_waitid, kByPidfd, process.pidfd.get(), &status, WEXITED, nullptr);
    throw system_error(env, child.error, child.failed, {}, "init could not be started");
  }
  Napi::Object result = Napi::Object::New(env);
  result["pid"] = Napi::Number::New(env, static_cast<double>(process.pid));
  result["pidfd"] = Napi::Number::New(env, process.pidfd.release());
  return result;
}

Napi::Value image(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), init_image(info.Env()));
}

}  // namespace tsrunc::addon
