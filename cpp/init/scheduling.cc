// When and where a process runs and its memory lies. The kernel's structures are written out here: there
// is no libc, and the headers of older kernels lack parts of them.
#include <errno.h>

#include "executor.h"

namespace tsrunc {
namespace {

/** struct sched_attr of <linux/sched/types.h>, with utilization clamping (Linux 5.3). */
struct SchedulerAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
  uint32_t least_utilization;
  uint32_t most_utilization;
};
static_assert(sizeof(SchedulerAttributes) == 56);

/** As the kernel takes sets of CPUs and nodes. */
template <uint32_t Most>
struct BitSet {
  static constexpr uint32_t kBits = 8 * sizeof(unsigned long);
  unsigned long words[Most / kBits] = {};

  /** False for a number that has no place. */
  bool add(const U32List& numbers) {
    for (uint32_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] >= Most) return false;
      words[numbers[i] / kBits] |= 1UL << (numbers[i] % kBits);
    }
    return true;
  }
};

/** More than any kernel is built for: CONFIG_NR_CPUS ends at 8192, CONFIG_NODES_SHIFT at 10. */
constexpr uint32_t kMostCpus = 8192;
constexpr uint32_t kMostNodes = 1024;

constexpr int kThisProcess = 1;  // IOPRIO_WHO_PROCESS

}  // namespace

Status Executor::run(const operations::SetAffinity& op) {
  BitSet<kMostCpus> set;
  if (op.cpus.size() == 0) {
    // The kernel takes those that there are and that the cpuset has. Since Linux 6.2 the caller's own
    // restriction would otherwise outlast the change of cgroup. Nothing is lost where that is forbidden.
    for (unsigned long& word : set.words) word = ~0UL;
    sys(SYS_sched_setaffinity, 0, sizeof set.words, set.words);
    return {};
  }
  if (!set.add(op.cpus)) return Error{EINVAL, "sched_setaffinity"};
  return check(sys(SYS_sched_setaffinity, 0, sizeof set.words, set.words), "sched_setaffinity");
}

Status Executor::run(const operations::SetMemoryPolicy& op) {
  BitSet<kMostNodes> set;
  if (!set.add(op.nodes)) return Error{EINVAL, "set_mempolicy"};
  // Its size in bits, plus one that the kernel takes away again.
  const bool empty = op.nodes.size() == 0;
  const long result = empty ? sys(SYS_set_mempolicy, op.mode, nullptr, 0)
                            : sys(SYS_set_mempolicy, op.mode, set.words, kMostNodes + 1);
  return check(result, "set_mempolicy");
}

Status Executor::run(const operations::SetPersonality& op) {
  return check(sys(SYS_personality, op.persona), "personality");
}

Status Executor::run(const operations::SetNice& op) {
  return check(sys(SYS_setpriority, 0, 0, op.value), "setpriority");
}

Status Executor::run(const operations::SetScheduler& op) {
  const SchedulerAttributes attributes{
      sizeof attributes, op.policy, op.flags, op.nice, op.priority, op.runtime, op.deadline, op.period, 0, 0};
  return check(sys(SYS_sched_setattr, 0, &attributes, 0), "sched_setattr");
}

Status Executor::run(const operations::SetIoPriority& op) {
  return check(sys(SYS_ioprio_set, kThisProcess, 0, op.priority), "ioprio_set");
}

}  // namespace tsrunc
