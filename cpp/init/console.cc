#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/vfs.h>

#include "../core/device.h"
#include "executor.h"
#include "mount_tree.h"
#include "resolve.h"

namespace tsrunc {
namespace {

/** struct winsize of <sys/ioctl.h>, which can't be included beside <asm/termbits.h>. */
struct Window {
  uint16_t rows;
  uint16_t columns;
  uint16_t x_pixels;
  uint16_t y_pixels;
};

constexpr const char* kMultiplexer = "/dev/pts/ptmx";

/** Opens the container's own /dev/pts/ptmx, checked to be a devpts' (CVE-2025-52565). */
Result<UniqueFd> open_master(int root) {
  UniqueFd node = TRY(open_in_root(root, kMultiplexer, O_RDWR | O_NOCTTY | O_NOFOLLOW));
  struct statfs fs{};
  TRY(check(sys(SYS_fstatfs, node.get(), &fs), "fstatfs", kMultiplexer));
  struct stat status = TRY(status_of(node.get(), kMultiplexer));
  if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(status.st_mode) || status.st_rdev != device_number(5, 2)) {
    return Error{0, "open", kMultiplexer, "a terminal needs a devpts mounted on /dev/pts"};
  }
  return node;
}

/** Its other end, which no path leads to. */
Result<UniqueFd> open_slave(int master) {
  int unlock = 0;
  TRY(check(sys(SYS_ioctl, master, TIOCSPTLCK, &unlock), "ioctl", kMultiplexer));
  return check_fd(sys(SYS_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "ioctl", kMultiplexer);
}

/** Mounts the slave on /dev/console. */
Status bind_console(int root, int slave) {
  const char* path = "/dev/console";
  const Place place = TRY(make_place(root, path));
  const long made = sys(SYS_openat, place.directory.get(), place.name,
                        O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0600);
  if (made < 0 && made != -EEXIST) return check(made, "open", path);
  UniqueFd created(made < 0 ? -1 : static_cast<int>(made));
  UniqueFd target = TRY(check_fd(
      sys(SYS_openat, place.directory.get(), place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", path));
  struct stat status = TRY(status_of(target.get(), path));
  if (S_ISLNK(status.st_mode)) return Error{ELOOP, "open", path};
  UniqueFd tree = TRY(clone_tree(slave, "", false, path));
  return attach(tree.get(), target.get(), path);
}

}  // namespace

Status Executor::run(const operations::OpenConsole& op) {
  UniqueFd master = TRY(open_master(root_.get()));
  UniqueFd slave = TRY(open_slave(master.get()));
  if (op.width != 0 || op.height != 0) {
    Window window{static_cast<uint16_t>(op.height), static_cast<uint16_t>(op.width), 0, 0};
    TRY(check(sys(SYS_ioctl, master.get(), TIOCSWINSZ, &window), "ioctl", kMultiplexer));
  }
  // The container's user owns its terminal; devpts chose the group and mode.
  constexpr int kUnchanged = -1;
  TRY(check(sys(SYS_fchown, slave.get(), op.uid, kUnchanged), "fchown", kMultiplexer));
  if (op.bind) TRY(bind_console(root_.get(), slave.get()));
  TRY(channel_.send(Message::Console, master.get()));
  TRY(check(sys(SYS_ioctl, slave.get(), TIOCSCTTY, 0), "ioctl", kMultiplexer));
  for (int fd = 0; fd < 3; ++fd) TRY(check(sys(SYS_dup3, slave.get(), fd, 0), "dup3", kMultiplexer));
  return {};
}

}  // namespace tsrunc
