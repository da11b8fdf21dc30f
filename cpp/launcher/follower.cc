#include "follower.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

#include "complaint.h"

namespace tsrunc {
namespace {

[[noreturn]] void end(const char* sentence) {
  Text<16384> text;
  end_with(text.add("tsrunc: the host of tsrunc ").add(sentence));
}

/** Seconds in which a host must have said something; one that hangs is none. */
constexpr long kPatience = 5;

/** A report to be filled. One at a time: this is a process of one thread. */
Outgoing& report(messages::Report name) {
  static Outgoing message;
  message = {};
  message.u8(static_cast<uint8_t>(name));
  return message;
}

}  // namespace

void Follower::run() {
  // What is left of it is written here by the kernel.
  timespec patience{kPatience, 0};
  while (!returns_) {
    pollfd events[2] = {{signals_.fd(), POLLIN, 0}, {connection_.fd(), POLLIN, 0}};
    const int count = connection_.is_open() ? 2 : 1;
    const long ready = sys(SYS_ppoll, events, count, heard_ ? nullptr : &patience, nullptr);
    if (ready == 0) {
      connection_.close();
      break;
    }
    if (ready < 0) continue;
    if (events[0].revents != 0) pass_signals();
    if (count == 2 && events[1].revents != 0 && !hear().ok())
      end("sent something that is no message: it is not trusted any more");
  }
  // They were for this call, however it is made, and come as soon as they aren't held back any more.
  for (int signal = 1; signal <= 64; ++signal) {
    if ((passed_ >> (signal - 1) & 1) != 0) sys(SYS_kill, sys(SYS_getpid), signal);
  }
}

Status Follower::hear() {
  Incoming incoming;
  TRY(connection_.receive(incoming));
  if (incoming.size == 0) {
    lose_host();
    return {};
  }
  heard_ = true;
  incoming_ = &incoming;
  Reader reader(incoming.data, incoming.size);
  while (!reader.at_end() && !returns_) {
    uint8_t code = 0;
    uint32_t size = 0;
    reader.read(code);
    reader.read(size);
    Reader order = reader.slice(size);
    if (reader.failed()) return malformed();
    TRY(messages::dispatch(code, order, *this));
  }
  incoming_ = nullptr;
  return {};
}

void Follower::pass_signals() {
  for (int signal = signals_.next(); signal != 0; signal = signals_.next()) {
    if (signal == SIGCHLD) {
      reap_children();
    } else if (connection_.is_open()) {
      Outgoing& message = report(messages::Report::Signalled);
      message.u32(static_cast<uint32_t>(signal));
      const bool sent = connection_.send(message).ok();
      if (!took_) passed_ |= uint64_t{1} << (signal - 1);
      if (!sent && running_ != 0) sys(SYS_kill, running_, signal);
    } else if (running_ != 0) {
      sys(SYS_kill, running_, signal);
    }
  }
}

void Follower::reap_children() {
  if (running_ == 0 || !adopts_) {
    awaited_.reap_ended([this](const Ended& ended) { tell_of(ended); });
    return;
  }
  // Those too that the container leaves behind to a subreaper.
  for (Ended ended = reap(-1); ended.pid != 0; ended = reap(-1)) {
    if (awaited_.take(ended.pid)) tell_of(ended);
  }
}

void Follower::tell_of(const Ended& ended) {
  if (!connection_.is_open()) {
    if (ended.pid == running_) finish_alone(ended);
    return;
  }
  Outgoing& message = report(messages::Report::Exited);
  message.u32(static_cast<uint32_t>(ended.pid));
  message.u32(ended.code());
  message.u32(ended.signal());
  (void)connection_.send(message);
  if (ended.pid == running_) ended_ = ended;
}

void Follower::lose_host() {
  connection_.close();
  if (running_ != 0) {
    // The container's process goes on without a host, unless its end was the last thing that that
    // one heard of.
    if (ended_.pid != 0) finish_alone(ended_);
    return;
  }
  if (!took_) {
    returns_ = true;
    return;
  }
  // What init had not yet come to its start ends with the host, whose socket it waits on.
  if (line_.words[0] == nullptr) end("ended in the middle of the call");
  if (run_cold(line_)) end("ended in the middle of the call: what had been made is removed again");
  end("ended in the middle of the call: remove what it had made by delete --force");
}

void Follower::finish_alone(const Ended& ended) {
  if (line_.words[0] != nullptr) run_cold(line_);
  const uint32_t signal = ended.signal();
  for (;;) sys(SYS_exit_group, signal == 0 ? ended.code() : 128 + signal);
}

bool Follower::run_cold(const CommandLine& line) {
  const long pid = sys(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) {
    signals_.restore();
    Call call = call_;
    call.args = line.words;
    cold_(call);
    for (;;) sys(SYS_exit_group, 1);
  }
  int status = 0;
  while (sys(SYS_wait4, pid, &status, 0, nullptr) == -EINTR) continue;
  return pid > 0 && status == 0;
}

void Follower::keep(const StringList& words, CommandLine& line) {
  size_t at = 0;
  size_t count = 0;
  bool fits = words.size() <= CommandLine::kMostWords;
  words.each([&](const char* word) {
    const size_t size = length(word) + 1;
    fits = fits && size <= sizeof line.bytes - at;
    if (!fits) return;
    __builtin_memcpy(line.bytes + at, word, size);
    line.words[count++] = line.bytes + at;
    at += size;
  });
  line.words[fits ? count : 0] = nullptr;
}

Status Follower::follow(const messages::Decline& /*order*/) {
  connection_.close();
  returns_ = true;
  return {};
}

Status Follower::follow(const messages::Working& /*order*/) { return {}; }

Status Follower::follow(const messages::Took& order) {
  took_ = true;
  keep(order.undo, line_);
  return {};
}

Status Follower::follow(const messages::Spawn& order) {
  auto spawned = spawn(order, *incoming_);
  if (!spawned.ok()) {
    Outgoing& message = report(messages::Report::NotSpawned);
    message.u32(static_cast<uint32_t>(spawned.error().number));
    message.string(spawned.error().syscall, 64);
    (void)connection_.send(message);
    return {};
  }
  awaited_.add(spawned.value().pid);
  Outgoing& message = report(messages::Report::Spawned);
  message.u32(static_cast<uint32_t>(spawned.value().pid));
  (void)connection_.send(message, spawned.value().pidfd.get());
  return {};
}

Status Follower::follow(const messages::AwaitExit& order) {
  awaited_.add(static_cast<int>(order.pid));
  // It may have ended already.
  reap_children();
  return {};
}

Status Follower::follow(const messages::Subreaper& order) {
  adopts_ = order.on;
  return check(sys(SYS_prctl, PR_SET_CHILD_SUBREAPER, order.on ? 1 : 0, 0, 0, 0), "prctl");
}

Status Follower::follow(const messages::Running& order) {
  running_ = static_cast<int>(order.pid);
  keep(order.finish, line_);
  return {};
}

Status Follower::follow(const messages::Write& order) {
  if (order.descriptor != 1 && order.descriptor != 2) return malformed();
  const char* text = order.text;
  for (size_t left = length(text); left > 0;) {
    const long written = sys(SYS_write, order.descriptor, text, left);
    if (written == -EINTR) continue;
    if (written == -EAGAIN) {
      pollfd event{static_cast<int>(order.descriptor), POLLOUT, 0};
      sys(SYS_ppoll, &event, 1, nullptr, nullptr);
      continue;
    }
    // A reader that has gone away is no error: there is nobody left to tell.
    if (written <= 0) break;
    text += written;
    left -= static_cast<size_t>(written);
  }
  return {};
}

Status Follower::follow(const messages::TakeSignal& order) {
  if (order.signal < 1 || order.signal > 64) return malformed();
  passed_ &= ~(uint64_t{1} << (order.signal - 1));
  signals_.take(static_cast<int>(order.signal));
  return {};
}

Status Follower::follow(const messages::Finish& order) {
  for (;;) sys(SYS_exit_group, order.code);
}

Status Follower::malformed() const { return Error{EPROTO, "recvmsg"}; }

}  // namespace tsrunc
