// Starts init in a child that borrows this process's memory until it has become init, so a Node
// process of any size costs nothing to copy. Unlike vfork's parent, this thread goes on meanwhile:
// what the child reads and stands on is its own until then (Start). Not so where the child is born
// into a cgroup: what the kernel does to processes there (kill the largest for want of memory, move
// their memory, freeze them) would be done to this process's memory, and it spares vfork's children.
#include "../core/child.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "memfd.h"

extern "C" const uint8_t tsrunc_init_begin[] __attribute__((visibility("hidden")));
extern "C" const uint8_t tsrunc_init_end[] __attribute__((visibility("hidden")));

namespace tsrunc::addon {
namespace {

/** A stack above a page that nothing can be written to. */
class Stack {
 public:
  explicit Stack(Napi::Env env) : guard_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
    mapping_ = checked(
        env, sys(SYS_mmap, nullptr, guard_ + kSize, PROT_READ | PROT_WRITE, flags, -1), "mmap");
    sys(SYS_mprotect, mapping_, guard_, PROT_NONE);
  }

  /** Nobody stands on it any more. */
  void clean() {
#if defined(__SANITIZE_ADDRESS__)
    // The functions of who did didn't return, so their frames are still marked.
    __asan_unpoison_memory_region(reinterpret_cast<void*>(lowest()), kSize);
#endif
  }

  [[nodiscard]] uint64_t lowest() const { return static_cast<uint64_t>(mapping_) + guard_; }
  static constexpr size_t kSize = size_t{64} * 1024;

 private:
  size_t guard_;
  long mapping_ = 0;
};

/** What one child has of this process's memory until it has become init. Never freed, but used again. */
struct Start {
  explicit Start(Napi::Env env) : stack(env) {}

  Stack stack;
  /** Of the child's own registers of libc's: where the compiler finds the canaries of its functions. */
  alignas(64) uint64_t thread_area[64] = {};
  std::vector<int> fds;
  std::vector<int> copies;
  std::vector<std::string> args;
  std::vector<const char*> argv;
  Child child{};
  /** Not 0 while a child uses this. The kernel clears it when the child has executed init, or ended. */
  std::atomic<int> user = 0;
};

/** One that no child uses. */
Start& free_start(Napi::Env env) {
  static std::mutex mutex;
  // Neither is destroyed at the end of the process: a child may outlast it.
  static auto& starts = *new std::vector<Start*>;
  const std::lock_guard lock(mutex);
  for (Start* start : starts) {
    int free = 0;
    if (!start->user.compare_exchange_strong(free, -1)) continue;
    start->stack.clean();
    return *start;
  }
  starts.push_back(new Start(env));
  starts.back()->user = -1;
  return *starts.back();
}

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

Process clone_onto(Napi::Env env, Start& start, std::optional<int> cgroup) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.child_tid = reinterpret_cast<uint64_t>(&start.user);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = start.stack.lowest();
  arguments.stack_size = Stack::kSize;
#if !defined(__SANITIZE_ADDRESS__)
  // Not this thread's, which may end meanwhile (a worker's).
  arguments.flags |= CLONE_SETTLS;
  arguments.tls = reinterpret_cast<uint64_t>(&start.thread_area[32]);
#endif
  if (cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP | CLONE_VFORK;
    arguments.cgroup = static_cast<uint64_t>(*cgroup);
  }
  const SignalsBlocked blocked;
  const long pid = clone_child(arguments, start.child);
  if (pid < 0) start.user = 0;
  return {checked(env, pid, "clone3"), UniqueFd(pidfd)};
}

}  // namespace

Napi::Value spawn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = to_object(info[0], "spawn's options");
  const Napi::Value callers = options.Get("callers");
  std::vector<int> fds = callers.IsUndefined() ? std::vector<int>{} : to_fds(callers);
  const size_t socket = fds.size();
  for (int fd : to_fds(options.Get("fds"))) fds.push_back(fd);
  if (fds.size() == socket) throw argument_error(env, "init gets no socket");
  std::vector<std::string> args = to_texts(options.Get("args"), "init's arguments");
  const Napi::Value wanted = options.Get("cgroup");
  const auto cgroup = wanted.IsUndefined() ? std::nullopt : std::optional(to_fd(wanted));
  const int image = init_image(env);

  std::vector<int> copies(fds.size());
  std::vector<const char*> argv{"tsrunc-init"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  argv.push_back(nullptr);

  Start& start = free_start(env);
  start.fds = std::move(fds);
  start.copies = std::move(copies);
  start.args = std::move(args);
  start.argv = std::move(argv);
  start.child = {start.fds.data(), start.copies.data(), static_cast<int>(start.fds.size()),
                 static_cast<int>(socket), image, start.argv.data()};
  Process process = clone_onto(env, start, cgroup);
  Napi::Object result = Napi::Object::New(env);
  result["pid"] = Napi::Number::New(env, static_cast<double>(process.pid));
  result["pidfd"] = Napi::Number::New(env, process.pidfd.release());
  return result;
}

Napi::Value image(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), init_image(info.Env()));
}

}  // namespace tsrunc::addon
