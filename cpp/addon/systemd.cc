// Calls of systemd's D-Bus interface, on libuv's thread pool with a connection each: a unit's start takes a while.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <memory>

#include "arguments.h"
#include "bus.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {
namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kPath = "/org/freedesktop/systemd1";
/** How long systemd may take for a unit, in microseconds. */
constexpr uint64_t kPatience = 30'000'000;

/** A container that is opened or closed, or a value of a basic type, as sd_bus_message_append_basic takes it. */
struct Token {
  enum class Kind { Open, Close, Basic } kind;
  char type;
  std::string text;
  union {
    uint64_t number;
    double real;
    int flag;
    uint8_t byte;
  };
};

/** One call: what is asked, and what came of it. */
struct Work {
  Napi::Promise::Deferred deferred;
  bool user;
  std::string member;
  std::vector<Token> tokens;
  bool await_job;
  napi_async_work handle = nullptr;

  /** D-Bus's name and systemd's words for a failure; empty of a success. */
  std::string error;
  std::string message;
  /** A job's result or a property's value. */
  std::string result;
};

class Session {
 public:
  Session(const BusLibrary& library, Work& work) : library_(library), work_(work) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    library_.error_free(&error_);
    library_.message_unref(reply_);
    library_.message_unref(call_);
    library_.slot_unref(slot_);
    library_.flush_close_unref(bus_);
  }

  bool open() {
    return succeeded(work_.user ? library_.open_user(&bus_) : library_.open_system(&bus_));
  }

  void property() {
    char* value = nullptr;
    if (!succeeded(library_.get_property_string(bus_, kSystemd, kPath, kManager,
                                                work_.member.c_str(), &error_, &value)))
      return;
    work_.result = value;
    free(value);
  }

  void method() {
    if (work_.await_job &&
        !succeeded(library_.match_signal(bus_, &slot_, kSystemd, kPath, kManager, "JobRemoved",
                                         on_job_removed, this)))
      return;
    if (!succeeded(library_.message_new_method_call(bus_, &call_, kSystemd, kPath, kManager,
                                                    work_.member.c_str())))
      return;
    for (const Token& token : work_.tokens) {
      if (!succeeded(append(token))) return;
    }
    if (!succeeded(library_.call(bus_, call_, kPatience, &error_, &reply_))) return;
    if (!work_.await_job) return;
    const char* job = nullptr;
    if (!succeeded(library_.message_read_basic(reply_, 'o', &job))) return;
    job_ = job;
    await();
  }

 private:
  bool succeeded(int answer) {
    if (answer >= 0) return true;
    if (error_.name != nullptr) {
      work_.error = error_.name;
      work_.message = error_.message == nullptr ? "" : error_.message;
    } else {
      work_.error = "errno";
      work_.message = strerror(-answer);
    }
    return false;
  }

  int append(const Token& token) {
    if (token.kind == Token::Kind::Open)
      return library_.message_open_container(call_, token.type, token.text.c_str());
    if (token.kind == Token::Kind::Close) return library_.message_close_container(call_);
    const bool is_text = token.type == 's' || token.type == 'o' || token.type == 'g';
    const void* const value = is_text ? static_cast<const void*>(token.text.c_str())
                                      : static_cast<const void*>(&token.number);
    return library_.message_append_basic(call_, token.type, value);
  }

  /** The signal may come before the answer that names the job. */
  static int on_job_removed(BusMessage* message, void* data, BusError* /*error*/) {
    auto& session = *static_cast<Session*>(data);
    uint32_t id = 0;
    const char *job = nullptr, *unit = nullptr, *result = nullptr;
    const BusLibrary& library = session.library_;
    if (library.message_read_basic(message, 'u', &id) < 0 ||
        library.message_read_basic(message, 'o', &job) < 0 ||
        library.message_read_basic(message, 's', &unit) < 0 ||
        library.message_read_basic(message, 's', &result) < 0)
      return 0;
    session.ended_.emplace_back(job, result);
    return 0;
  }

  void await() {
    const uint64_t deadline = now() + kPatience;
    for (;;) {
      for (const auto& [job, result] : ended_) {
        if (job != job_) continue;
        work_.result = result;
        return;
      }
      ended_.clear();
      const int processed = library_.process(bus_, nullptr);
      if (!succeeded(processed)) return;
      if (processed > 0) continue;
      const uint64_t time = now();
      if (time >= deadline) {
        work_.result = "timeout";
        return;
      }
      const int waited = library_.wait(bus_, deadline - time);
      if (waited != -EINTR && !succeeded(waited)) return;
    }
  }

  static uint64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<uint64_t>(time.tv_nsec) / 1000;
  }

  const BusLibrary& library_;
  Work& work_;
  Bus* bus_ = nullptr;
  BusSlot* slot_ = nullptr;
  BusMessage* call_ = nullptr;
  BusMessage* reply_ = nullptr;
  BusError error_;
  std::string job_;
  std::vector<std::pair<std::string, std::string>> ended_;
};

void execute(napi_env /*env*/, void* data) {
  auto& work = *static_cast<Work*>(data);
  const char* why = nullptr;
  const BusLibrary* const library = bus_library(why);
  if (library == nullptr) {
    work.error = "dlopen";
    work.message = why;
    return;
  }
  Session session(*library, work);
  if (!session.open()) return;
  if (work.tokens.empty() && !work.await_job) {
    session.property();
  } else {
    session.method();
  }
}

void complete(napi_env raw, napi_status status, void* data) {
  const std::unique_ptr<Work> work(static_cast<Work*>(data));
  const Napi::Env env(raw);
  napi_delete_async_work(env, work->handle);
  if (status == napi_cancelled) return;
  const Napi::HandleScope handles(env);
  try {
    Napi::Object answer = Napi::Object::New(env);
    if (work->error.empty()) {
      answer["result"] = work->result;
    } else {
      answer["error"] = work->error;
      answer["message"] = work->message;
    }
    work->deferred.Resolve(answer);
  } catch (const Napi::Error&) {
    // JavaScript can't run any more (a worker that is being terminated): nobody waits.
  }
}

Token to_basic(char type, Napi::Value value) {
  Token token{Token::Kind::Basic, type, {}, {0}};
  switch (type) {
    case 's':
    case 'o':
    case 'g':
      token.text = to_text(value, "a text");
      break;
    case 'b':
      token.flag = value.ToBoolean().Value() ? 1 : 0;
      break;
    case 'd':
      token.real = value.ToNumber().DoubleValue();
      break;
    default:
      // Little-endian: the low bytes are where a shorter type has them.
      token.number = to_u64(value, "a number");
  }
  return token;
}

Token to_token(Napi::Value value) {
  const Napi::Array parts = to_array(value, "a part of a message");
  const std::string kind = to_text(parts[0u], "the kind of a part");
  if (kind == ")") return {Token::Kind::Close, 0, {}, {0}};
  if (kind == "(") {
    const std::string type = to_text(parts[1u], "a container's type");
    return {Token::Kind::Open, type.at(0), to_text(parts[2u], "a container's contents"), {0}};
  }
  return to_basic(kind.at(0), parts[1u]);
}

Napi::Value queue(const Napi::CallbackInfo& info, std::unique_ptr<Work> work) {
  const Napi::Env env = info.Env();
  const auto promise = work->deferred.Promise();
  const Napi::String name = Napi::String::New(env, "tsrunc:systemd");
  if (napi_create_async_work(env, nullptr, name, execute, complete, work.get(), &work->handle) !=
          napi_ok ||
      napi_queue_async_work(env, work->handle) != napi_ok) {
    throw Napi::Error::New(env);
  }
  (void)work.release();
  return promise;
}

}  // namespace

Napi::Value call_systemd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Token> tokens;
  const Napi::Array parts = to_array(info[2], "a message");
  for (uint32_t i = 0; i < parts.Length(); ++i) tokens.push_back(to_token(parts[i]));
  return queue(info, std::make_unique<Work>(
                         Work{Napi::Promise::Deferred::New(env), info[0].ToBoolean().Value(),
                              to_text(info[1], "a method"), std::move(tokens),
                              info[3].ToBoolean().Value(), nullptr, {}, {}, {}}));
}

Napi::Value systemd_property(const Napi::CallbackInfo& info) {
  return queue(info, std::make_unique<Work>(Work{Napi::Promise::Deferred::New(info.Env()),
                                                 info[0].ToBoolean().Value(),
                                                 to_text(info[1], "a property"),
                                                 {}, false, nullptr, {}, {}, {}}));
}

}  // namespace tsrunc::addon
