#include "../core/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

namespace tsrunc {
namespace {

/** init's end and the parent's. */
struct Pair {
  Pair() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return;
    channel = Channel(UniqueFd(fds[0]));
    parent.reset(fds[1]);
  }
  Channel channel;
  UniqueFd parent;
};

struct Heard {
  std::string bytes;
  UniqueFd fd;
};

/** The next message at the parent's end. */
Heard hear(int socket) {
  Heard heard;
  char buffer[20000];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec part{buffer, sizeof buffer};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got > 0) heard.bytes.assign(buffer, static_cast<size_t>(got));
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&header)) {
    int fd = -1;
    memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    heard.fd.reset(fd);
  }
  return heard;
}

/** Says one byte as the parent, with a descriptor attached unless it is -1. */
void say(int socket, uint8_t byte, int fd = -1) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{&byte, 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  CHECK_EQUAL(sendmsg(socket, &header, 0), ssize_t{1});
}

bool same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
         first.st_dev == second.st_dev;
}

TEST(messages_arrive_whole_and_apart) {
  const Pair pair;
  CHECK(pair.channel.send(Message::Created).ok());
  CHECK(pair.channel.send(Message::HooksDue).ok());
  CHECK_EQUAL(hear(pair.parent.get()).bytes, std::string(1, static_cast<char>(Message::Created)));
  CHECK_EQUAL(hear(pair.parent.get()).bytes, std::string(1, static_cast<char>(Message::HooksDue)));
}

TEST(a_descriptor_goes_with_its_message) {
  const Pair pair;
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(pair.channel.send_cloned(0x01020304, null.get()).ok());
  const Heard heard = hear(pair.parent.get());
  CHECK_EQUAL(heard.bytes,
              std::string(1, static_cast<char>(Message::Cloned)) + "\x04\x03\x02\x01");
  REQUIRE(heard.fd.valid());
  CHECK(same_file(heard.fd.get(), null.get()));
}

TEST(a_failure_arrives_with_all_its_facts) {
  const Pair pair;
  CHECK(pair.channel.send_failed(7, 20, Error{EPERM, "mount", "/x", "why"}).ok());
  const std::string bytes = hear(pair.parent.get()).bytes;
  Reader reader(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  uint8_t message = 0;
  uint32_t index = 0;
  uint32_t code = 0;
  uint32_t number = 0;
  const char* texts[3] = {"", "", ""};
  reader.read(message);
  reader.read(index);
  reader.read(code);
  reader.read(number);
  for (const char*& text : texts) reader.read(text);
  CHECK(reader.at_end());
  CHECK_EQUAL(message, static_cast<uint8_t>(Message::Failed));
  CHECK_EQUAL(index, 7U);
  CHECK_EQUAL(code, 20U);
  CHECK_EQUAL(number, static_cast<uint32_t>(EPERM));
  CHECK_EQUAL(texts[0], "mount");
  CHECK_EQUAL(texts[1], "/x");
  CHECK_EQUAL(texts[2], "why");
}

TEST(texts_of_any_length_leave_a_readable_message) {
  const Pair pair;
  const std::string huge(1 << 20, 'x');
  CHECK(pair.channel.send_failed(1, 2, Error{3, huge.c_str(), huge.c_str(), huge.c_str()}).ok());
  const std::string bytes = hear(pair.parent.get()).bytes;
  Reader reader(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  (void)reader.slice(1 + 3 * 4);
  for (int i = 0; i < 3; ++i) {
    const char* text = "";
    reader.read(text);
    CHECK_EQUAL(strlen(text), size_t{4096});
  }
  CHECK(reader.at_end());
}

TEST(a_reply_comes_with_its_descriptor_close_on_exec) {
  const Pair pair;
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  say(pair.parent.get(), 3, null.get());
  say(pair.parent.get(), 1);
  auto first = pair.channel.receive();
  REQUIRE(first.ok());
  CHECK(first.value().reply == Reply::Start);
  REQUIRE(first.value().fd.valid());
  CHECK(same_file(first.value().fd.get(), null.get()));
  CHECK_EQUAL(fcntl(first.value().fd.get(), F_GETFD), FD_CLOEXEC);
  auto second = pair.channel.receive();
  REQUIRE(second.ok());
  CHECK(second.value().reply == Reply::Proceed);
  CHECK(!second.value().fd.valid());
}

TEST(a_parent_that_is_gone_is_an_error_and_no_signal) {
  Pair pair;
  say(pair.parent.get(), 1);
  pair.parent.reset();
  // What it said last still counts.
  CHECK(pair.channel.receive().ok());
  const auto received = pair.channel.receive();
  REQUIRE(!received.ok());
  CHECK_EQUAL(received.error().number, EPIPE);
  const Status sent = pair.channel.send(Message::Created);
  REQUIRE(!sent.ok());
  CHECK_EQUAL(sent.error().number, EPIPE);
}

TEST(a_parent_that_died_with_messages_unread_is_gone_too) {
  Pair pair;
  CHECK(pair.channel.send(Message::Created).ok());
  pair.parent.reset();
  const auto received = pair.channel.receive();
  REQUIRE(!received.ok());
  CHECK_EQUAL(received.error().number, EPIPE);
}

}  // namespace
}  // namespace tsrunc
