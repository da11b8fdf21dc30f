#include "copy_up.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/text.h"
#include "resolve.h"
#include "xattrs.h"

namespace tsrunc {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** Two descriptors and a piece of the stack go with each; no image comes near. */
constexpr int kDeepest = 200;
/** What linux_dirent64 (getdents64(2)) has before the name. */
constexpr size_t kLengthAt = 16;
constexpr size_t kNameAt = 19;

bool is_dots(const char* name) { return equal(name, ".") || equal(name, ".."); }

/** Copies one tree. After a failure `where` is the path of what it was at. */
class Copier {
 public:
  Copier(int proc, PathText& where) : proc_(proc), where_(where) {}

  Status contents(int from, int to, int depth) {
    if (depth > kDeepest) return failed(-ELOOP, "getdents64");
    char entries[1024];
    for (;;) {
      const long size = sys(SYS_getdents64, from, entries, sizeof entries);
      if (size <= 0) return size == 0 ? Status{} : failed(size, "getdents64");
      for (long at = 0; at < size;) {
        uint16_t length = 0;
        __builtin_memcpy(&length, entries + at + kLengthAt, sizeof length);
        const char* name = entries + at + kNameAt;
        if (!is_dots(name)) TRY(entry(from, name, to, depth));
        at += length;
      }
    }
  }

  /** What a directory has beside its mode and owner. The times come last: all else changes them. */
  Status finish(int from, int to, const struct stat& status) {
    const char* syscall = "";
    const long copied = copy_xattrs(from, to, syscall);
    if (copied < 0) return failed(copied, syscall);
    return set_times(to, nullptr, status);
  }

  [[nodiscard]] Error failed(long result, const char* syscall) const {
    return Error{static_cast<int>(-result), syscall, where_.get()};
  }

  /** EINVAL is nobody's fault: the kernel can't write down an owner that it has no number for. */
  [[nodiscard]] Status owned(long result) const {
    if (result != -EINVAL) return done(result, "chown");
    return Error{EINVAL, "chown", where_.get(),
                 "its owner is not mapped in the container's user namespace"};
  }

  [[nodiscard]] Status done(long result, const char* syscall) const {
    if (result < 0) return failed(result, syscall);
    return {};
  }

 private:
  [[nodiscard]] Result<UniqueFd> opened(long result) const {
    if (result < 0) return failed(result, "open");
    return UniqueFd(static_cast<int>(result));
  }

  Status entry(int from, const char* name, int to, int depth) {
    const size_t before = where_.size();
    where_.add("/").add(name);
    if (where_.overflowed()) return failed(-ENAMETOOLONG, "open");
    TRY(copy(from, name, to, depth));
    where_.truncate(before);
    return {};
  }

  Status copy(int from, const char* name, int to, int depth) {
    UniqueFd source = TRY(opened(sys(SYS_openat, from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)));
    const struct stat status = TRY(status_of(source.get(), where_.get()));
    switch (status.st_mode & S_IFMT) {
      case S_IFDIR:
        return directory(static_cast<UniqueFd&&>(source), name, to, status, depth);
      case S_IFREG:
        return file(source.get(), name, to, status);
      case S_IFLNK:
        TRY(link(source.get(), name, to));
        return set_owner_and_times(to, name, status);
      default:
        TRY(done(sys(SYS_mknodat, to, name, status.st_mode, static_cast<unsigned>(status.st_rdev)),
                 "mknod"));
        TRY(set_owner(to, name, status));
        TRY(done(sys(SYS_fchmodat, to, name, status.st_mode & 07777), "chmod"));
        return set_times(to, name, status);
    }
  }

  Status directory(UniqueFd source, const char* name, int to, const struct stat& status,
                   int depth) {
    UniqueFd in = TRY(opened(sys(SYS_openat, source.get(), ".", kDirectory)));
    source.reset();
    TRY(done(sys(SYS_mkdirat, to, name, 0700), "mkdir"));
    UniqueFd out = TRY(opened(sys(SYS_openat, to, name, kDirectory)));
    TRY(contents(in.get(), out.get(), depth + 1));
    TRY(set_owner_and_mode(out.get(), status));
    return finish(in.get(), out.get(), status);
  }

  Status file(int source, const char* name, int to, const struct stat& status) {
    // Opened by what it is, not by its name: whoever replaces it meanwhile can't have a device
    // opened.
    Text<32> link;
    link.add("self/fd/").add_number(static_cast<uint64_t>(source));
    UniqueFd in = TRY(opened(sys(SYS_openat, proc_, link.get(), O_RDONLY | O_CLOEXEC)));
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd out = TRY(opened(sys(SYS_openat, to, name, kNew, 0600)));
    TRY(data(in.get(), out.get(), status.st_size));
    TRY(set_owner_and_mode(out.get(), status));
    return finish(in.get(), out.get(), status);
  }

  /** Holes stay holes: a tmpfs pays for what is written. */
  Status data(int in, int out, long size) {
    for (long at = 0; at < size;) {
      long start = sys(SYS_lseek, in, at, SEEK_DATA);
      if (start == -ENXIO) break;
      if (start < 0) start = at;
      long end = sys(SYS_lseek, in, start, SEEK_HOLE);
      if (end < 0 || end > size) end = size;
      TRY(done(sys(SYS_lseek, in, start, SEEK_SET), "lseek"));
      TRY(done(sys(SYS_lseek, out, start, SEEK_SET), "lseek"));
      while (start < end) {
        const long sent = sys(SYS_sendfile, out, in, nullptr, end - start);
        if (sent < 0) return failed(sent, "sendfile");
        if (sent == 0)
          return done(sys(SYS_ftruncate, out, start), "ftruncate");  // It became shorter meanwhile.
        start += sent;
      }
      at = end;
    }
    return done(sys(SYS_ftruncate, out, size), "ftruncate");
  }

  [[gnu::noinline]] Status link(int source, const char* name, int to) {
    char text[4096];
    const long size = sys(SYS_readlinkat, source, "", text, sizeof text - 1);
    if (size < 0) return failed(size, "readlink");
    text[size] = 0;
    return done(sys(SYS_symlinkat, text, to, name), "symlink");
  }

  Status set_owner(int directory, const char* name, const struct stat& status) {
    return done(
        sys(SYS_fchownat, directory, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW),
        "chown");
  }

  Status set_owner_and_times(int directory, const char* name, const struct stat& status) {
    TRY(set_owner(directory, name, status));
    return set_times(directory, name, status);
  }

  /** In this order: a new owner takes the set-user-ID bit away. */
  Status set_owner_and_mode(int fd, const struct stat& status) {
    TRY(owned(sys(SYS_fchown, fd, status.st_uid, status.st_gid)));
    return done(sys(SYS_fchmod, fd, status.st_mode & 07777), "chmod");
  }

  /** Without a name, of the descriptor itself. */
  Status set_times(int fd, const char* name, const struct stat& status) {
    const timespec times[] = {status.st_atim, status.st_mtim};
    const int flags = name == nullptr ? 0 : AT_SYMLINK_NOFOLLOW;
    return done(sys(SYS_utimensat, fd, name, times, flags), "utimensat");
  }

  int proc_;
  PathText& where_;
};

}  // namespace

Status copy_up(int proc, int from, int to, const CopyUp& what, const char* target) {
  static PathText where;  // outlives this call, in an error
  where.clear();
  where.add(target);
  const struct stat status = TRY(status_of(from, target));
  UniqueFd out = TRY(check_fd(sys(SYS_openat, to, ".", kDirectory), "open", target));
  UniqueFd in;
  Copier copier(proc, where);
  if (what.contents) {
    in = TRY(check_fd(sys(SYS_openat, from, ".", kDirectory), "open", target));
    TRY(copier.contents(in.get(), out.get(), 0));
  }
  if (what.owner)
    TRY(check(sys(SYS_fchown, out.get(), status.st_uid, status.st_gid), "chown", target));
  if (what.mode) TRY(check(sys(SYS_fchmod, out.get(), status.st_mode & 07777), "chmod", target));
  return what.contents ? copier.finish(in.get(), out.get(), status) : Status{};
}

}  // namespace tsrunc
