// Compiles seccomp policies with libseccomp, on libuv's thread pool: a large one takes 10 ms.
#include <memory>

#include "arguments.h"
#include "build_id.h"
#include "errors.h"
#include "functions.h"
#include "seccomp_compiler.h"
#include "sha256.h"

namespace tsrunc::addon {
namespace {

scmp_compare to_comparison(Napi::Value value) {
  static constexpr std::pair<std::string_view, scmp_compare> kOperators[] = {
      {"SCMP_CMP_NE", SCMP_CMP_NE},
      {"SCMP_CMP_LT", SCMP_CMP_LT},
      {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ},
      {"SCMP_CMP_GE", SCMP_CMP_GE},
      {"SCMP_CMP_GT", SCMP_CMP_GT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
  };
  const std::string wanted = to_text(value, "a seccomp operator");
  for (const auto& [name, comparison] : kOperators) {
    if (name == wanted) return comparison;
  }
  throw argument_error(value.Env(), "libseccomp has no operator " + wanted);
}

SeccompRule to_rule(Napi::Value value) {
  const Napi::Object object = to_object(value, "a seccomp rule");
  SeccompRule rule{to_u32(object.Get("action"), "a seccomp action"),
                   to_texts(object.Get("names"), "a system call's name"),
                   {}};
  const Napi::Array args = to_array(object.Get("args"), "a seccomp rule's arguments");
  for (uint32_t i = 0; i < args.Length(); ++i) {
    const Napi::Object arg = to_object(args[i], "a seccomp argument");
    rule.args.push_back(
        {static_cast<unsigned>(to_integer(arg.Get("index"), "a seccomp argument's index", 0, 5)),
         to_comparison(arg.Get("op")), to_u64(arg.Get("value"), "a seccomp argument's value"),
         to_u64(arg.Get("valueTwo"), "a seccomp argument's valueTwo")});
  }
  return rule;
}

SeccompPolicy to_policy(Napi::Value value) {
  const Napi::Object object = to_object(value, "a seccomp policy");
  const Napi::Value newer = object.Get("newerAction");
  SeccompPolicy policy{
      to_u32(object.Get("defaultAction"), "a seccomp action"),
      newer.IsUndefined() ? std::nullopt : std::optional(to_u32(newer, "a seccomp action")),
      to_texts(object.Get("architectures"), "an architecture"),
      {}};
  const Napi::Array rules = to_array(object.Get("rules"), "a seccomp policy's rules");
  for (uint32_t i = 0; i < rules.Length(); ++i) policy.rules.push_back(to_rule(rules[i]));
  return policy;
}

/** Of libseccomp or of a system call: a negated errno, what failed, and on what. */
struct Failure {
  long number = 0;
  const char* syscall = "";
  std::string subject;
};

/** One compilation: a promise, and the work on another thread. */
struct Work {
  SeccompPolicy policy;
  Napi::Promise::Deferred deferred;
  napi_async_work handle = nullptr;
  CompiledFilter compiled;
  SeccompFailure failure;
};

void execute(napi_env /*env*/, void* data) {
  auto& work = *static_cast<Work*>(data);
  work.failure = compile(work.policy, work.compiled);
}

Napi::Object to_result(Napi::Env env, const CompiledFilter& compiled) {
  Napi::Object result = Napi::Object::New(env);
  Napi::Array unknown = Napi::Array::New(env, compiled.unknown.size());
  for (uint32_t i = 0; i < compiled.unknown.size(); ++i) unknown[i] = compiled.unknown[i];
  result["filter"] =
      Napi::Buffer<uint8_t>::Copy(env, compiled.program.data(), compiled.program.size());
  result["unknown"] = unknown;
  return result;
}

void complete(napi_env raw, napi_status status, void* data) {
  const std::unique_ptr<Work> work(static_cast<Work*>(data));
  const Napi::Env env(raw);
  napi_delete_async_work(env, work->handle);
  if (status == napi_cancelled) return;
  const Napi::HandleScope handles(env);
  try {
    const SeccompFailure& failure = work->failure;
    if (failure.number != 0) {
      work->deferred.Reject(
          system_error(env, failure.number, failure.syscall, failure.subject).Value());
    } else {
      work->deferred.Resolve(to_result(env, work->compiled));
    }
  } catch (const Napi::Error&) {
    // JavaScript can't run any more (a worker that is being terminated): nobody waits.
  }
}

}  // namespace

/** What a compiled filter depends on beside its policy: libseccomp and our own code. */
Napi::Value seccomp_compiler(const Napi::CallbackInfo& info) {
  const scmp_version* version = seccomp_version();
  const std::string build = build_id();
  if (build.empty()) return info.Env().Undefined();
  return Napi::String::New(info.Env(), "libseccomp " + std::to_string(version->major) + "." +
                                           std::to_string(version->minor) + "." +
                                           std::to_string(version->micro) + " " + build);
}

Napi::Value sha256_of(const Napi::CallbackInfo& info) {
  const auto digest = sha256(to_bytes(info[0]));
  return Napi::Buffer<uint8_t>::Copy(info.Env(), digest.data(), digest.size());
}

Napi::Value compile_seccomp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto work = std::make_unique<Work>(
      Work{to_policy(info[0]), Napi::Promise::Deferred::New(env), nullptr, {}, {}});
  const Napi::Promise promise = work->deferred.Promise();
  const Napi::String name = Napi::String::New(env, "tsrunc:compileSeccomp");
  if (napi_create_async_work(env, nullptr, name, execute, complete, work.get(), &work->handle) !=
          napi_ok ||
      napi_queue_async_work(env, work->handle) != napi_ok) {
    throw Napi::Error::New(env);
  }
  (void)work.release();
  return promise;
}

}  // namespace tsrunc::addon
