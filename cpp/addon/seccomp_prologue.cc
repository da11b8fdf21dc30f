#include "seccomp_prologue.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>

#include "syscall_numbers.h"

namespace tsrunc::addon {
namespace {

/** The bit in an x86_64 number that says x32. */
constexpr uint32_t kX32Bit = 0x4000'0000;

/** To be replaced by the distance to the next section, and to the end. */
constexpr uint32_t kNextSection = 0xffff'fffe;
constexpr uint32_t kEnd = 0xffff'ffff;

/** What one architecture has of its own. */
struct Section {
  /** Actions by number. */
  std::map<uint32_t, uint32_t> rules;
  /** The largest number that the policy names. */
  std::optional<uint32_t> last;
};

/**
 * Whether the prologue can do a rule for this name: only one without conditions. The first rule of
 * a name counts, as with libseccomp.
 */
bool has_conditions(const SeccompPolicy& policy, const std::string& name) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const SeccompRule& rule) {
    return !rule.args.empty() &&
           std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end();
  });
}

Section section_of(const SeccompPolicy& policy, uint32_t architecture) {
  Section section;
  for (const SeccompRule& rule : policy.rules) {
    for (const std::string& name : rule.names) {
      const auto number = syscall_number(architecture, name);
      if (!number) continue;
      section.last = std::max(section.last.value_or(0), static_cast<uint32_t>(*number));
      // The filter gives the default by itself.
      if (rule.action == policy.default_action) continue;
      if (number_after_libseccomp(architecture, name) && !has_conditions(policy, name))
        section.rules.try_emplace(static_cast<uint32_t>(*number), rule.action);
    }
  }
  return section;
}

class Writer {
 public:
  void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset)); }
  /** Goes on with the instruction after the next one when the comparison holds. */
  void skip_if(uint16_t comparison, uint32_t value) {
    add(BPF_JMP | comparison | BPF_K, 1, 0, value);
  }
  void skip_unless(uint16_t comparison, uint32_t value) {
    add(BPF_JMP | comparison | BPF_K, 0, 1, value);
  }
  void jump(uint32_t where) { add(BPF_JMP | BPF_JA, 0, 0, where); }
  void answer(uint32_t action) { add(BPF_RET | BPF_K, 0, 0, action); }

  void end_section() { resolve(kNextSection); }
  std::vector<sock_filter> finish() {
    resolve(kEnd);
    return std::move(code_);
  }

 private:
  void add(uint16_t code, uint8_t when_true, uint8_t when_false, uint32_t value) {
    code_.push_back({code, when_true, when_false, value});
  }

  void resolve(uint32_t where) {
    for (size_t at = 0; at < code_.size(); ++at) {
      sock_filter& instruction = code_[at];
      if (instruction.code == (BPF_JMP | BPF_JA) && instruction.k == where)
        instruction.k = static_cast<uint32_t>(code_.size() - at - 1);
    }
  }

  std::vector<sock_filter> code_;
};

void write_section(Writer& out, uint32_t architecture, const Section& section,
                   std::optional<uint32_t> newer_action) {
  const bool limited = newer_action && section.last;
  if (section.rules.empty() && !limited) return;
  out.load(offsetof(seccomp_data, arch));
  // x32 is libseccomp's architecture, not the kernel's.
  out.skip_if(BPF_JEQ, architecture == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : architecture);
  out.jump(kNextSection);
  out.load(offsetof(seccomp_data, nr));
  if (architecture == SCMP_ARCH_X86_64) {
    out.skip_unless(BPF_JSET, kX32Bit);
    out.jump(kNextSection);
  } else if (architecture == SCMP_ARCH_X32) {
    out.skip_if(BPF_JSET, kX32Bit);
    out.jump(kNextSection);
  }
  // Nearly all calls go on here.
  uint32_t first = limited ? *section.last + 1 : section.rules.begin()->first;
  if (!section.rules.empty()) first = std::min(first, section.rules.begin()->first);
  out.skip_if(BPF_JGE, first);
  out.jump(kEnd);
  for (const auto& [number, action] : section.rules) {
    out.skip_unless(BPF_JEQ, number);
    out.answer(action);
  }
  if (limited) {
    out.skip_unless(BPF_JGT, *section.last);
    out.answer(*newer_action);
  }
  out.jump(kEnd);
  out.end_section();
}

}  // namespace

std::vector<sock_filter> make_prologue(const SeccompPolicy& policy,
                                       const std::vector<uint32_t>& architectures) {
  Writer out;
  for (const uint32_t architecture : architectures) {
    write_section(out, architecture, section_of(policy, architecture), policy.newer_action);
  }
  return out.finish();
}

std::vector<std::string> unknown_names(const SeccompPolicy& policy,
                                       const std::vector<uint32_t>& architectures) {
  std::set<std::string> unknown;
  for (const SeccompRule& rule : policy.rules) {
    for (const std::string& name : rule.names) {
      if (seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) continue;
      const bool known =
          std::any_of(architectures.begin(), architectures.end(), [&](uint32_t architecture) {
            return number_after_libseccomp(architecture, name).has_value();
          });
      if (!known || has_conditions(policy, name)) unknown.insert(name);
    }
  }
  return {unknown.begin(), unknown.end()};
}

}  // namespace tsrunc::addon
