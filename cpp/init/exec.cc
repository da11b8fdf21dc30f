#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>

#include "arguments.h"
#include "executor.h"
#include "home.h"
#include "resolve.h"

namespace tsrunc {
namespace {

/** Calls `try_one(path)` for each place that `name` may be at, until it answers something else than "not here". */
template <typename TryOne>
int search_program(const char* name, const StringList& search, TryOne try_one) {
  if (find(name, '/') != nullptr) return try_one(name);
  int answer = ENOENT;
  search.each([&](const char* directory) {
    if (answer != ENOENT && answer != EACCES && answer != ENOTDIR) return;
    PathText path;
    path.add(directory[0] == 0 ? "." : directory).add("/").add(name);
    if (path.overflowed()) return;
    const int result = try_one(path.get());
    // As execvp: a program that may not be executed is remembered while the search goes on.
    if (result != ENOENT && result != ENOTDIR) answer = result;
  });
  return answer;
}

/** 0, or the errno that execve would give to root. */
int executable(const char* path) {
  struct stat status{};
  const long result = sys(SYS_newfstatat, AT_FDCWD, path, &status, 0);
  if (result < 0) return static_cast<int>(-result);
  return S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0 ? 0 : EACCES;
}

/** The working directory must lie inside the root: CVE-2024-21626 came in through one that didn't. */
Status verify_directory(const char* path) {
  char name[4096];
  const long size = sys(SYS_getcwd, name, sizeof name);
  TRY(check(size, "getcwd", path));
  if (name[0] != '/') return Error{EXDEV, "getcwd", path, "the working directory lies outside the container's root"};
  return {};
}

}  // namespace

Status Executor::run(const operations::MakeWorkingDirectory& op) {
  TRY(make_in_root(root_.get(), op.path, Missing::Directory));
  return {};
}

Status Executor::run(const operations::ChangeDirectory& op) {
  if (op.retry && directory_changed_) return {};
  const long result = sys(SYS_chdir, op.path);
  // The user may be let in where root, of a remapped or network file system, isn't.
  if (result == -EACCES && !op.retry) return {};
  TRY(check(result, "chdir", op.path));
  directory_changed_ = true;
  return verify_directory(op.path);
}

Status Executor::run(const operations::FindExecutable& op) {
  const int answer = search_program(op.name, op.search, executable);
  return answer == 0 ? Status{} : Error{answer, "exec", op.name};
}

Status Executor::run(const operations::FindHome& op) {
  home_.add("HOME=");
  add_home_of(op.uid, root_.get(), home_);
  return {};
}

Status Executor::run(const operations::PrepareExec& op) {
  args_ = Vector(op.args);
  env_ = Vector(op.env);
  if (args_.get() == nullptr || env_.get() == nullptr) return Error{ENOMEM, "mmap"};
  if (home_.size() != 0) env_.append(home_.get());
  root_.reset();
  // What the caller preserved stays; all else, whatever opened it, goes with the exec.
  return check(sys(SYS_close_range, 3 + op.preserve, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
}

Status Executor::run(const operations::AnnounceExec&) { return channel_.send(Message::Executing); }

Status Executor::run(const operations::Exec& op) {
  const int answer = search_program(op.name, op.search, [&](const char* path) {
    return static_cast<int>(-sys(SYS_execve, path, args_.get(), env_.get()));
  });
  return Error{answer, "exec", op.name};
}

}  // namespace tsrunc
