#include "../core/result.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"

namespace tsrunc {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

UniqueFd any_fd() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(a_descriptor_is_closed_by_its_last_owner) {
  int fd = -1;
  {
    UniqueFd first = any_fd();
    fd = first.get();
    const UniqueFd second = static_cast<UniqueFd&&>(first);
    CHECK(!first.valid());  // NOLINT: what is left of it is the question
    CHECK_EQUAL(second.get(), fd);
    CHECK(is_open(fd));
  }
  CHECK(!is_open(fd));
}

TEST(a_descriptor_that_is_given_away_stays_open) {
  int fd = -1;
  {
    UniqueFd owner = any_fd();
    fd = owner.release();
  }
  CHECK(is_open(fd));
  close(fd);
}

TEST(taking_another_descriptor_closes_the_old_one) {
  UniqueFd owner = any_fd();
  const int old = owner.get();
  owner = any_fd();
  CHECK(!is_open(old));
  CHECK(is_open(owner.get()));
  UniqueFd& same = owner;
  owner = static_cast<UniqueFd&&>(same);
  CHECK(is_open(owner.get()));
}

TEST(an_answer_of_the_kernel_is_a_value_or_an_error) {
  CHECK(check(0, "close").ok());
  const Status failed = check(-EACCES, "open", "/x");
  REQUIRE(!failed.ok());
  CHECK_EQUAL(failed.error().number, EACCES);
  CHECK_EQUAL(failed.error().syscall, "open");
  CHECK_EQUAL(failed.error().path, "/x");
  CHECK_EQUAL(failed.error().detail, "");
  CHECK(!check_fd(-ENOENT, "open").ok());
}

TEST(system_calls_answer_negated_errnos_and_leave_errno_alone) {
  errno = 4711;
  CHECK_EQUAL(sys(SYS_close, -1), long{-EBADF});
  CHECK_EQUAL(errno, 4711);
  CHECK_EQUAL(sys(SYS_getpid), long{getpid()});
}

Result<int> twice(Result<int> number) { return 2 * TRY(number); }

Status only_when(Status before, bool& reached) {
  TRY(before);
  reached = true;
  return {};
}

TEST(try_takes_the_value_or_returns_the_error) {
  CHECK_EQUAL(twice(21).value(), 42);
  const Result<int> failed = twice(Error{EPERM, "mount"});
  CHECK(!failed.ok());
  CHECK_EQUAL(failed.error().number, EPERM);
  bool reached = false;
  CHECK(!only_when(Error{0, "", "", "no"}, reached).ok());
  CHECK(!reached);
  CHECK(only_when({}, reached).ok());
  CHECK(reached);
}

TEST(a_result_owns_its_descriptor) {
  int fd = -1;
  {
    Result<UniqueFd> result = any_fd();
    fd = result.value().get();
    CHECK(is_open(fd));
  }
  CHECK(!is_open(fd));
}

}  // namespace
}  // namespace tsrunc
