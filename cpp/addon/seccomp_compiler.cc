#include "seccomp_compiler.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "seccomp_prologue.h"

namespace tsrunc::addon {
namespace {

using Failure = SeccompFailure;

class Compiler {
 public:
  explicit Compiler(const SeccompPolicy& policy) : policy_(policy) {}

  Failure compile(CompiledFilter& compiled) {
    ask_kernel_once();
    context_.reset(seccomp_init(policy_.default_action));
    if (!context_) return {-EINVAL, "seccomp_init", std::to_string(policy_.default_action)};
    set_attributes();
    if (Failure failure = add_architectures(); failure.number != 0) return failure;
    for (const SeccompRule& rule : policy_.rules) {
      if (Failure failure = add(rule); failure.number != 0) return failure;
    }
    const std::vector<sock_filter> prologue = make_prologue(policy_, architectures_);
    // Often there is none, and memcpy may not be given the null pointer of an empty vector.
    const auto* bytes = reinterpret_cast<const uint8_t*>(prologue.data());
    compiled.program.assign(bytes, bytes + prologue.size() * sizeof(sock_filter));
    compiled.unknown = unknown_names(policy_, architectures_);
    return append_filter(compiled.program);
  }

 private:
  struct Release {
    void operator()(void* context) const { seccomp_release(context); }
  };

  /** libseccomp finds out at the first call what the kernel knows, into variables without a lock.
   */
  static void ask_kernel_once() {
    static std::once_flag once;
    std::call_once(once, [] { seccomp_api_get(); });
  }

  void set_attributes() {
    // The errno of the system call that failed instead of ECANCELED.
    seccomp_attr_set(context_.get(), SCMP_FLTATR_API_SYSRAWRC, 1);
    seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0);
    // A binary tree: a long list of system calls costs each of them little. libseccomp up to 2.5.4
    // makes a wrong one of no rules at all (its issue 370), and a short list needs none.
    size_t names = 0;
    for (const SeccompRule& rule : policy_.rules) names += rule.names.size();
    if (names > 32) seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
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
      architectures_.push_back(architecture);
    }
    return {};
  }

  Failure add(const SeccompRule& rule) {
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

  Failure append_filter(std::vector<uint8_t>& program) {
    const long fd = sys(SYS_memfd_create, "tsrunc-seccomp", 1U);  // MFD_CLOEXEC
    if (fd < 0) return {fd, "memfd_create", {}};
    const UniqueFd file(static_cast<int>(fd));
    if (const int result = seccomp_export_bpf(context_.get(), file.get()); result < 0) {
      return {result, "seccomp_export_bpf", {}};
    }
    struct stat status {};
    if (const long result = sys(SYS_fstat, file.get(), &status); result < 0)
      return {result, "fstat", {}};
    const size_t start = program.size();
    const auto size = static_cast<size_t>(status.st_size);
    program.resize(start + size);
    const long got = sys(SYS_pread64, file.get(), program.data() + start, size, 0);
    if (got != status.st_size) return {got < 0 ? got : -EIO, "pread", {}};
    return {};
  }

  const SeccompPolicy& policy_;
  std::unique_ptr<void, Release> context_;
  std::vector<uint32_t> architectures_;
};

}  // namespace

SeccompFailure compile(const SeccompPolicy& policy, CompiledFilter& result) {
  return Compiler(policy).compile(result);
}

}  // namespace tsrunc::addon
