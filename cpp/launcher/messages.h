// Made by `npm run generate` from ts/resident/messages.ts. Don't edit.
#pragma once

#include "../core/wire.h"

namespace tsrunc::messages {

/** Of the tables that this file was made from; a host that was built from others declines the call. */
inline constexpr uint32_t kFingerprint = 0x8816fbec;

enum class Order : uint8_t {
  Decline = 1,
  Working = 2,
  Took = 3,
  Spawn = 4,
  AwaitExit = 5,
  Subreaper = 6,
  Running = 7,
  Write = 8,
  TakeSignal = 9,
  Finish = 10,
};

enum class Report : uint8_t {
  Call = 1,
  Spawned = 2,
  NotSpawned = 3,
  Exited = 4,
  Signalled = 5,
};

struct Decline {
};

struct Working {
};

struct Took {
  StringList undo{};
};

struct Spawn {
  U32List callers{};
  StringList args{};
  bool into_cgroup{};
};

struct AwaitExit {
  uint32_t pid{};
};

struct Subreaper {
  bool on{};
};

struct Running {
  uint32_t pid{};
  StringList finish{};
};

struct Write {
  uint32_t descriptor{};
  const char* text{};
};

struct TakeSignal {
  uint32_t signal{};
};

struct Finish {
  uint32_t code{};
};

/** Decodes one order and gives it to the follower's `follow`. */
template <typename Follower>
auto dispatch(uint8_t code, Reader& reader, Follower& follower) -> decltype(follower.malformed()) {
  const auto malformed = [&] { return follower.malformed(); };
  switch (static_cast<Order>(code)) {
    case Order::Decline: {
      Decline op;
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Working: {
      Working op;
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Took: {
      Took op;
      reader.read(op.undo);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Spawn: {
      Spawn op;
      reader.read(op.callers);
      reader.read(op.args);
      reader.read(op.into_cgroup);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::AwaitExit: {
      AwaitExit op;
      reader.read(op.pid);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Subreaper: {
      Subreaper op;
      reader.read(op.on);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Running: {
      Running op;
      reader.read(op.pid);
      reader.read(op.finish);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Write: {
      Write op;
      reader.read(op.descriptor);
      reader.read(op.text);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::TakeSignal: {
      TakeSignal op;
      reader.read(op.signal);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
    case Order::Finish: {
      Finish op;
      reader.read(op.code);
      if (!reader.at_end()) return malformed();
      return follower.follow(op);
    }
  }
  return malformed();
}

}  // namespace tsrunc::messages
