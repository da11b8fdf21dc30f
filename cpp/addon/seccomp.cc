// Compiles seccomp policies with libseccomp, on libuv's thread pool: a large one takes 10 ms.
#include <errno.h>
#include <seccomp.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {
namespace {

struct Rule {
  uint32_t action;
  std::vector<std::string> names;
  std::vector<scmp_arg_cmp> args;
};

struct Policy {
  uint32_t default_action;
  std::vector<std::string> architectures;
  std::vector<Rule> rules;
};

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

Rule to_rule(Napi::Value value) {
  const Napi::Object object = to_object(value, "a seccomp rule");
  Rule rule{to_u32(object.Get("action"), "a seccomp action"),
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

Policy to_policy(Napi::Value value) {
  const Napi::Object object = to_object(value, "a seccomp policy");
  Policy policy{to_u32(object.Get("defaultAction"), "a seccomp action"),
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

/** Compiles one policy. No Node-API in here: it runs on another thread. */
class Compiler {
 public:
  explicit Compiler(const Policy& policy) : policy_(policy) {}

  Failure compile(std::vector<uint8_t>& program) {
    ask_kernel_once();
    context_.reset(seccomp_init(policy_.default_action));
    if (!context_) return {-EINVAL, "seccomp_init", std::to_string(policy_.default_action)};
    set_attributes();
    if (Failure failure = add_architectures(); failure.number != 0) return failure;
    for (const Rule& rule : policy_.rules) {
      if (Failure failure = add(rule); failure.number != 0) return failure;
    }
    return write(program);
  }

 private:
  struct Release {
    void operator()(void* context) const { seccomp_release(context); }
  };

  /** libseccomp finds out what the kernel knows at the first call, into variables without a lock.
   */
  static void ask_kernel_once() {
    static std::once_flag once;
    std::call_once(once, [] { seccomp_api_get(); });
  }

  void set_attributes() {
    // The errno of the system call that failed instead of ECANCELED.
    seccomp_attr_set(context_.get(), SCMP_FLTATR_API_SYSRAWRC, 1);
    seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0);
    // A binary tree: a long list of system calls costs each of them little. Not everywhere
    // supported.
    seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  }

  Failure add_architectures() {
    constexpr std::string_view kPrefix = "SCMP_ARCH_";
    for (const std::string& name : policy_.architectures) {
      std::string token = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
      std::transform(token.begin(), token.end(), token.begin(),
                     [](unsigned char c) { return std::tolower(c); });
      const uint32_t architecture = seccomp_arch_resolve_name(token.c_str());
      if (architecture == 0) return {-EINVAL, "seccomp_arch_resolve_name", name};
      const int result = seccomp_arch_add(context_.get(), architecture);
      if (result < 0 && result != -EEXIST) return {result, "seccomp_arch_add", name};
    }
    return {};
  }

  Failure add(const Rule& rule) {
    // libseccomp refuses what the default does anyway.
    if (rule.action == policy_.default_action) return {};
    for (const std::string& name : rule.names) {
      const int number = seccomp_syscall_resolve_name(name.c_str());
      if (number == __NR_SCMP_ERROR) continue;
      const int result = add(rule.action, number, rule.args);
      if (result < 0 && result != -EEXIST) return {result, "seccomp_rule_add", name};
    }
    return {};
  }

  /**
   * The conditions of a rule hold together, but libseccomp takes one for each argument. Profiles in
   * the field have several on one argument and mean any of them, as runc reads it: a rule for each.
   */
  int add(uint32_t action, int number, const std::vector<scmp_arg_cmp>& args) {
    const auto count = static_cast<unsigned>(args.size());
    if (!has_repeated_index(args))
      return seccomp_rule_add_array(context_.get(), action, number, count, args.data());
    for (const scmp_arg_cmp& arg : args) {
      const int result = seccomp_rule_add_array(context_.get(), action, number, 1, &arg);
      if (result < 0 && result != -EEXIST) return result;
    }
    return 0;
  }

  static bool has_repeated_index(const std::vector<scmp_arg_cmp>& args) {
    unsigned seen = 0;
    for (const scmp_arg_cmp& arg : args) {
      if ((seen & (1U << arg.arg)) != 0) return true;
      seen |= 1U << arg.arg;
    }
    return false;
  }

  Failure write(std::vector<uint8_t>& program) {
    const long fd = sys(SYS_memfd_create, "tsrunc-seccomp", 1U);  // MFD_CLOEXEC
    if (fd < 0) return {fd, "memfd_create", {}};
    const UniqueFd file(static_cast<int>(fd));
    if (const int result = seccomp_export_bpf(context_.get(), file.get()); result < 0) {
      return {result, "seccomp_export_bpf", {}};
    }
    struct stat status {};
    if (const long result = sys(SYS_fstat, file.get(), &status); result < 0)
      return {result, "fstat", {}};
    program.resize(static_cast<size_t>(status.st_size));
    const long got = sys(SYS_pread64, file.get(), program.data(), program.size(), 0);
    if (got != status.st_size) return {got < 0 ? got : -EIO, "pread", {}};
    return {};
  }

  const Policy& policy_;
  std::unique_ptr<void, Release> context_;
};

/** One compilation: a promise, and the work on another thread. */
struct Work {
  Policy policy;
  Napi::Promise::Deferred deferred;
  napi_async_work handle = nullptr;
  std::vector<uint8_t> program;
  Failure failure;
};

void execute(napi_env /*env*/, void* data) {
  auto& work = *static_cast<Work*>(data);
  work.failure = Compiler(work.policy).compile(work.program);
}

void complete(napi_env raw, napi_status status, void* data) {
  const std::unique_ptr<Work> work(static_cast<Work*>(data));
  const Napi::Env env(raw);
  napi_delete_async_work(env, work->handle);
  if (status == napi_cancelled) return;
  const Napi::HandleScope handles(env);
  try {
    const Failure& failure = work->failure;
    if (failure.number != 0) {
      work->deferred.Reject(
          system_error(env, failure.number, failure.syscall, failure.subject).Value());
    } else {
      work->deferred.Resolve(
          Napi::Buffer<uint8_t>::Copy(env, work->program.data(), work->program.size()));
    }
  } catch (const Napi::Error&) {
    // JavaScript can't run any more (a worker that is being terminated): nobody waits.
  }
}

}  // namespace

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
