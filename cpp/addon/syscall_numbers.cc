#include "syscall_numbers.h"

#include <seccomp.h>

#include <string_view>

namespace tsrunc::addon {
namespace {

struct Entry {
  std::string_view name;
  int number;
};

/** Since Linux 5.1 a new system call has the same number everywhere: scripts/syscall.tbl of
 * Linux 7.0. */
constexpr Entry kEverywhere[] = {
    {"futex_waitv", 449},       {"set_mempolicy_home_node", 450},
    {"cachestat", 451},         {"fchmodat2", 452},
    {"map_shadow_stack", 453},  {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},  {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},
    {"listxattrat", 465},       {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},
    {"file_setattr", 469},      {"listns", 470},
    {"rseq_slice_yield", 471},
};

constexpr Entry kX86_64[] = {{"uretprobe", 335}, {"uprobe", 336}};
constexpr Entry kRiscv64[] = {{"riscv_hwprobe", 258}};

/** Where an architecture's numbers begin. */
int base_of(uint32_t architecture) {
  switch (architecture) {
    case SCMP_ARCH_X32:
      return 0x4000'0000;
    case SCMP_ARCH_MIPSEL:
      return 4000;
    case SCMP_ARCH_MIPSEL64:
      return 5000;
    case SCMP_ARCH_MIPSEL64N32:
      return 6000;
    default:
      return 0;
  }
}

template <size_t count>
std::optional<int> look_up(const Entry (&entries)[count], const std::string& name) {
  for (const Entry& entry : entries) {
    if (entry.name == name) return entry.number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> number_after_libseccomp(uint32_t architecture, const std::string& name) {
  if (seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) return std::nullopt;
  if (const auto number = look_up(kEverywhere, name)) return base_of(architecture) + *number;
  if (architecture == SCMP_ARCH_X86_64) return look_up(kX86_64, name);
  if (architecture == SCMP_ARCH_RISCV64) return look_up(kRiscv64, name);
  return std::nullopt;
}

std::optional<int> syscall_number(uint32_t architecture, const std::string& name) {
  const int number = seccomp_syscall_resolve_name_arch(architecture, name.c_str());
  if (number == __NR_SCMP_ERROR) return number_after_libseccomp(architecture, name);
  // libseccomp has negative numbers for calls that another architecture has.
  return number < 0 ? std::nullopt : std::optional(number);
}

}  // namespace tsrunc::addon
