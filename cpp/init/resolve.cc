#include "resolve.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../core/text.h"

namespace tsrunc {
namespace {

constexpr int kMostLinks = 40;
/** openat2 answers EAGAIN when a rename crossed its `..`; an attacker can keep that up, so there is an end. */
constexpr int kMostRaces = 1000;

long openat2_in_root(int root, const char* path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
  long fd = -EAGAIN;
  for (int i = 0; i < kMostRaces && (fd == -EAGAIN || fd == -EINTR); ++i) {
    fd = sys(SYS_openat2, root, path, &how, sizeof how);
  }
  return fd;
}

/** Walks a path whose end is missing, one component at a time, and makes what isn't there. */
class Maker {
 public:
  Maker(int root, const char* path, Missing leaf) : root_(root), path_(path), leaf_(leaf) {}

  Result<UniqueFd> make() {
    rest_.add(path_);
    TRY(open_done());
    const char* component = nullptr;
    size_t size = 0;
    while (next(component, size)) {
      if (overflowed()) return Error{ENAMETOOLONG, "openat2", path_};
      if (size == 1 && component[0] == '.') continue;
      if (size == 2 && component[0] == '.' && component[1] == '.') {
        TRY(ascend());
        continue;
      }
      Text<256> name;
      name.add(component, size);
      if (name.overflowed()) return Error{ENAMETOOLONG, "openat2", path_};
      bool final = false;
      TRY(enter(name.get(), final));
      if (final) break;
    }
    return static_cast<UniqueFd&&>(here_);
  }

 private:
  [[nodiscard]] bool overflowed() const { return done_.overflowed() || rest_.overflowed(); }
  [[nodiscard]] bool at_last() const {
    for (const char* c = rest_.get() + at_; *c != 0; ++c) {
      if (*c != '/') return false;
    }
    return true;
  }

  bool next(const char*& component, size_t& size) {
    const char* text = rest_.get();
    while (text[at_] == '/') ++at_;
    if (text[at_] == 0) return false;
    component = text + at_;
    for (size = 0; component[size] != 0 && component[size] != '/';) ++size;
    at_ += size;
    return true;
  }

  Status open_done() {
    here_ = TRY(open_in_root(root_, done_.size() == 0 ? "/" : done_.get(), O_PATH | O_DIRECTORY));
    return {};
  }

  Status ascend() {
    size_t size = done_.size();
    while (size > 0 && done_.get()[size - 1] != '/') --size;
    done_.truncate(size > 0 ? size - 1 : 0);
    return open_done();
  }

  Status enter(const char* name, bool& final) {
    const size_t before = done_.size();
    done_.add("/").add(name);
    long fd = openat2_in_root(root_, done_.get(), O_PATH | O_NOFOLLOW, 0);
    if (fd == -ENOENT) {
      if (at_last() && leaf_ == Missing::File) {
        final = true;
        here_ = TRY(check_fd(sys(SYS_openat, here_.get(), name,
                                 O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644),
                             "open", path_));
        return {};
      }
      const long made = sys(SYS_mkdirat, here_.get(), name, 0755);
      if (made < 0 && made != -EEXIST) return check(made, "mkdir", path_);
      fd = sys(SYS_openat, here_.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    UniqueFd found = TRY(check_fd(fd, "openat2", path_));
    struct stat status = TRY(status_of(found.get(), path_));
    if (S_ISLNK(status.st_mode)) return follow(found.get(), before);
    if (S_ISDIR(status.st_mode)) {
      here_ = static_cast<UniqueFd&&>(found);
      return {};
    }
    if (!at_last() || leaf_ == Missing::Directory) return Error{ENOTDIR, "openat2", path_};
    here_ = static_cast<UniqueFd&&>(found);
    final = true;
    return {};
  }

  /** Puts a link's text before what is left of the path. */
  Status follow(int link, size_t before) {
    struct statfs fs{};
    TRY(check(sys(SYS_fstatfs, link, &fs), "fstatfs", path_));
    // A link of procfs may be a magic one, whose text means nothing.
    if (fs.f_type == PROC_SUPER_MAGIC || ++links_ > kMostLinks) return Error{ELOOP, "openat2", path_};
    char text[4096];
    const long size = sys(SYS_readlinkat, link, "", text, sizeof text);
    if (size < 0) return check(size, "readlink", path_);
    done_.truncate(text[0] == '/' ? 0 : before);
    PathText rest;
    rest.add(text, static_cast<size_t>(size)).add("/").add(rest_.get() + at_);
    rest_ = rest;
    at_ = 0;
    return open_done();
  }

  int root_;
  const char* path_;
  Missing leaf_;
  /** What was walked, without links. */
  PathText done_;
  PathText rest_;
  size_t at_ = 0;
  int links_ = 0;
  UniqueFd here_;
};

/** Makes the last component where all others are there, as they mostly are. False when it takes a Maker. */
bool make_last(int root, const char* path, Missing leaf) {
  size_t slash = length(path);
  while (slash > 0 && path[slash - 1] != '/') --slash;
  const char* name = path + slash;
  if (name[0] == 0 || equal(name, ".") || equal(name, "..")) return false;
  PathText directory;
  directory.add("/").add(path, slash);
  if (directory.overflowed()) return false;
  const UniqueFd parent(static_cast<int>(openat2_in_root(root, directory.get(), O_PATH | O_DIRECTORY, 0)));
  if (!parent.valid()) return false;
  // Neither follows a link that leads nowhere.
  if (leaf == Missing::Directory) return sys(SYS_mkdirat, parent.get(), name, 0755) >= 0;
  const int flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY;
  return UniqueFd(static_cast<int>(sys(SYS_openat, parent.get(), name, flags, 0644))).valid();
}

}  // namespace

Result<struct stat> status_of(int fd, const char* path) {
  struct stat status{};
#if defined(__aarch64__)
  TRY(check(sys(SYS_fstat, fd, &status), "fstat", path));
#else
  TRY(check(sys(SYS_newfstatat, fd, "", &status, AT_EMPTY_PATH), "fstat", path));
#endif
  return status;
}

Result<UniqueFd> open_in_root(int root, const char* path, int flags, uint64_t resolve) {
  // RESOLVE_IN_ROOT takes "" for an error and relative paths from the root.
  return check_fd(openat2_in_root(root, path[0] == 0 ? "/" : path, flags, resolve), "openat2", path);
}

Result<UniqueFd> make_in_root(int root, const char* path, Missing leaf, uint64_t resolve) {
  auto found = open_in_root(root, path, O_PATH, resolve);
  if (found.ok() || found.error().number != ENOENT) return found;
  if (!make_last(root, path, leaf)) TRY(Maker(root, path, leaf).make());
  // Once more from the start, so that what is answered is what the path leads to, links and all.
  return open_in_root(root, path, O_PATH, resolve);
}

Result<Place> make_place(int root, const char* path) {
  size_t end = length(path);
  while (end > 0 && path[end - 1] == '/') --end;
  size_t slash = end;
  while (slash > 0 && path[slash - 1] != '/') --slash;
  if (slash == end || path[end] != 0 || equal(path + slash, "..") || equal(path + slash, ".")) {
    return Error{EINVAL, "openat2", path};
  }
  PathText directory;
  directory.add("/").add(path, slash);
  if (directory.overflowed()) return Error{ENAMETOOLONG, "openat2", path};
  Place place;
  auto made = make_in_root(root, directory.get(), Missing::Directory);
  // The copy of the path is gone when the error is read.
  if (!made.ok()) return Error{made.error().number, made.error().syscall, path, made.error().detail};
  place.directory = made.take();
  place.name = path + slash;
  return place;
}

}  // namespace tsrunc
