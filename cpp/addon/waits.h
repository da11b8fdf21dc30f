// Promises that wait for a descriptor to become ready: libuv's poll, no threads.
#pragma once

#include <uv.h>

#include <optional>
#include <unordered_map>
#include <vector>

#include "javascript.h"

namespace tsrunc::addon {

/** What a wait tries whenever its descriptor is readable. */
struct Operation {
  /**
   * The promise's value, or nothing while it would block. A Napi::Error rejects the promise. `events` are those that
   * the loop tells of, 0 at first.
   */
  std::optional<Napi::Value> (*attempt)(Napi::Env env, int fd, int events);
  /** What `close` on the descriptor does to the promise: resolve with undefined, or reject with
   * ECANCELED. */
  bool ends_on_close;
  /** What it waits for: uv_poll_event. */
  int events = UV_READABLE;
};

/** Whether a pending wait keeps the event loop alive. */
enum class Hold { Loop, Nothing };

/** The pending waits of one JavaScript environment. */
class Waits {
 public:
  explicit Waits(Napi::Env env);
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;

  static Waits& of(Napi::Env env) { return *env.GetInstanceData<Waits>(); }

  /** Closes the handles before the environment ends, which waits for it. Called once. */
  void watch_teardown();

  /**
   * Tries `operation` at once and then whenever `fd` is readable. It waits on a duplicate, so two
   * waits can share a descriptor (libuv polls each number once).
   */
  Napi::Promise wait(int fd, const Operation& operation, Hold hold = Hold::Loop);

  /** Has the pending waits on a descriptor keep the event loop alive. */
  void hold(int fd);

  /** Ends the waits on a descriptor that is being closed: the duplicates would keep it open. */
  void end(int fd);

 private:
  struct Wait;

  static void on_ready(uv_poll_t* handle, int status, int events);
  static void on_closed(uv_handle_t* handle);
  static void on_teardown(napi_async_cleanup_hook_handle hook, void* data);

  void start(int fd, const Operation& operation, Hold hold,
             const Napi::Promise::Deferred& deferred);
  void attempt(Wait& wait, int status, int events);
  /** The pending waits on one; a copy, which ending them doesn't disturb. */
  std::vector<Wait*> of_descriptor(int fd) const;
  void stop(Wait& wait);
  void teardown_step();

  Napi::Env env_;
  /** Emptied at teardown: the environment is gone when the destructor runs. */
  std::optional<Napi::AsyncContext> context_;
  /** By the caller's descriptor: a process may wait for thousands of containers. */
  std::unordered_multimap<int, Wait*> pending_;
  /** Handles that libuv still knows: the pending ones and those that are closing. */
  size_t handles_ = 0;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool ending_ = false;
};

}  // namespace tsrunc::addon
