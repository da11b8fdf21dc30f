#include "waits.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "errors.h"

namespace tsrunc::addon {

struct Waits::Wait {
  Waits& waits;
  const Operation& operation;
  Napi::Promise::Deferred deferred;
  /** The caller's descriptor, which `fd` duplicates. */
  int original;
  UniqueFd fd;
  uv_poll_t poll{};
};

Waits::Waits(Napi::Env env) : env_(env), context_(std::in_place, env, "tsrunc") {}

void Waits::watch_teardown() { napi_add_async_cleanup_hook(env_, on_teardown, this, &hook_); }

Napi::Promise Waits::wait(int fd, const Operation& operation, Hold hold) {
  const auto deferred = Napi::Promise::Deferred::New(env_);
  try {
    if (const auto value = operation.attempt(env_, fd, 0)) {
      deferred.Resolve(*value);
    } else {
      start(fd, operation, hold, deferred);
    }
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  }
  return deferred.Promise();
}

void Waits::start(int fd, const Operation& operation, Hold hold,
                  const Napi::Promise::Deferred& deferred) {
  const long duplicate = checked(env_, sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0), "fcntl");
  auto wait = std::make_unique<Wait>(
      Wait{*this, operation, deferred, fd, UniqueFd(static_cast<int>(duplicate))});
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env_, &loop);
  checked(env_, uv_poll_init(loop, &wait->poll, wait->fd.get()), "epoll_ctl");
  wait->poll.data = wait.get();
  if (hold == Hold::Nothing) uv_unref(reinterpret_cast<uv_handle_t*>(&wait->poll));
  ++handles_;
  pending_.emplace(fd, wait.get());
  uv_poll_start(&wait.release()->poll, operation.events, on_ready);
}

void Waits::on_ready(uv_poll_t* handle, int status, int events) {
  auto& wait = *static_cast<Wait*>(handle->data);
  wait.waits.attempt(wait, status, events);
}

void Waits::attempt(Wait& wait, int status, int events) {
  const Napi::HandleScope handles(env_);
  try {
    // Runs the promise's reactions when it is left.
    const Napi::CallbackScope callback(env_, *context_);
    const auto deferred = wait.deferred;
    try {
      const auto value = wait.operation.attempt(env_, wait.fd.get(), events);
      if (!value && status == 0) return;
      if (!value) throw system_error(env_, status, "epoll_wait");
      stop(wait);
      deferred.Resolve(*value);
    } catch (const Napi::Error& error) {
      stop(wait);
      deferred.Reject(error.Value());
    }
  } catch (const Napi::Error&) {
    // JavaScript can't run any more (a worker that is being terminated): nobody waits.
  }
}

void Waits::hold(int fd) {
  for (Wait* wait : of_descriptor(fd)) uv_ref(reinterpret_cast<uv_handle_t*>(&wait->poll));
}

void Waits::end(int fd) {
  for (Wait* wait : of_descriptor(fd)) {
    if (wait->operation.ends_on_close) {
      wait->deferred.Resolve(env_.Undefined());
    } else {
      wait->deferred.Reject(
          system_error(env_, ECANCELED, "poll", {}, "the descriptor was closed").Value());
    }
    stop(*wait);
  }
}

std::vector<Waits::Wait*> Waits::of_descriptor(int fd) const {
  std::vector<Wait*> found;
  const auto [first, last] = pending_.equal_range(fd);
  for (auto each = first; each != last; ++each) found.push_back(each->second);
  return found;
}

void Waits::stop(Wait& wait) {
  const auto [first, last] = pending_.equal_range(wait.original);
  const auto found = std::find_if(first, last, [&](auto& each) { return each.second == &wait; });
  if (found == last) return;
  pending_.erase(found);
  uv_close(reinterpret_cast<uv_handle_t*>(&wait.poll), on_closed);
  wait.fd.reset();  // libuv has let go of it, and a socket's peer shall see its end now.
}

void Waits::on_closed(uv_handle_t* handle) {
  std::unique_ptr<Wait> wait(static_cast<Wait*>(handle->data));
  Waits& waits = wait->waits;
  wait.reset();
  --waits.handles_;
  waits.teardown_step();
}

void Waits::on_teardown(napi_async_cleanup_hook_handle /*hook*/, void* data) {
  auto& waits = *static_cast<Waits*>(data);
  waits.ending_ = true;
  waits.context_.reset();
  while (!waits.pending_.empty()) waits.stop(*waits.pending_.begin()->second);
  waits.teardown_step();
}

void Waits::teardown_step() {
  // Removing the hook lets the environment go, and this object with it.
  if (ending_ && handles_ == 0) napi_remove_async_cleanup_hook(hook_);
}

}  // namespace tsrunc::addon
