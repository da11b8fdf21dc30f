#include "home.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "resolve.h"

namespace tsrunc {
namespace {

/** Reads a file line by line into a buffer of fixed size; longer lines are cut off. */
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}

  bool next(Text<1024>& line) {
    line.clear();
    for (bool any = false;; any = true) {
      char c = 0;
      if (!get(c)) return any;
      if (c == '\n') return true;
      line.add(&c, 1);
    }
  }

 private:
  bool get(char& c) {
    if (at_ == end_) {
      const long got = sys(SYS_read, fd_, buffer_, sizeof buffer_);
      if (got <= 0) return false;
      at_ = 0;
      end_ = static_cast<size_t>(got);
    }
    c = buffer_[at_++];
    return true;
  }

  int fd_;
  char buffer_[1024];
  size_t at_ = 0;
  size_t end_ = 0;
};

/** Field `number`, from 0, of a line of passwd(5). */
Text<1024> field(const char* line, int number) {
  for (; number > 0 && line != nullptr; --number) {
    line = find(line, ':');
    if (line != nullptr) ++line;
  }
  Text<1024> text;
  if (line == nullptr) return text;
  const char* end = find(line, ':');
  return text.add(line, end == nullptr ? length(line) : static_cast<size_t>(end - line));
}

}  // namespace

void add_home_of(uint32_t uid, int root, PathText& text) {
  constexpr int kUid = 2;
  constexpr int kHome = 5;
  auto file = open_in_root(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status{};
  // A FIFO or device there would make us wait for whoever planted it.
  const bool regular = file.ok() && status_of(file.value().get(), "").ok() &&
                       (status = status_of(file.value().get(), "").take(), S_ISREG(status.st_mode));
  Text<1024> line;
  for (Lines lines(regular ? file.value().get() : -1); lines.next(line);) {
    uint32_t number = 0;
    if (!parse_u32(field(line.get(), kUid).get(), number) || number != uid) continue;
    const Text<1024> home = field(line.get(), kHome);
    if (home.size() == 0) break;
    text.add(home.get());
    return;
  }
  text.add("/");
}

}  // namespace tsrunc
