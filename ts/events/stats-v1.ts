import type { CgroupLocation } from '../cgroup/cgroup.js';
import { hierarchyWith } from '../cgroup/v1/plan.js';
import { type Directory, hugetlbOf, keyed, listOf, numberOf, textOf } from './read.js';
import type {
  BlkioEntry,
  BlkioStats,
  CgroupStats,
  CpusetStats,
  CpuUsage,
  MemoryEntry,
} from './stats.js';

/** Nanoseconds of a tick of cpuacct.stat: USER_HZ is 100 for every program. */
const TICK = 10_000_000;

export function statsV1(location: CgroupLocation): CgroupStats {
  const at = (controller: string): Directory => hierarchyWith(location, controller);
  const { nr_periods, nr_throttled, throttled_time } = keyed(at('cpu'), 'cpu.stat');
  const memory = at('memory');
  const raw = keyed(memory, 'memory.stat');
  return {
    cpu: {
      usage: cpuUsage(at('cpuacct')),
      throttling: {
        periods: nr_periods ?? 0,
        throttledPeriods: nr_throttled ?? 0,
        throttledTime: throttled_time ?? 0,
      },
    },
    cpuset: cpusetStats(at('cpuset')),
    memory: {
      cache: raw['cache'] ?? 0,
      usage: memoryEntry(memory, 'memory'),
      swap: memoryEntry(memory, 'memory.memsw'),
      kernel: memoryEntry(memory, 'memory.kmem'),
      kernelTCP: memoryEntry(memory, 'memory.kmem.tcp'),
      raw,
    },
    pids: {
      current: numberOf(at('pids'), 'pids.current'),
      limit: numberOf(at('pids'), 'pids.max', Number.POSITIVE_INFINITY),
    },
    blkio: blkioStats(at('blkio')),
    hugetlb: hugetlbOf(at('hugetlb'), {
      usage: 'usage_in_bytes',
      max: 'max_usage_in_bytes',
      failures: (directory, prefix) => numberOf(directory, `${prefix}.failcnt`),
    }),
  };
}

function cpuUsage(directory: Directory): CpuUsage {
  const { user = 0, system = 0 } = keyed(directory, 'cpuacct.stat');
  // A head line, then the CPU's number, its user and its system time.
  const perCpu = textOf(directory, 'cpuacct.usage_all')
    .split('\n')
    .slice(1)
    .map((line) => line.split(' ').map(Number));
  return {
    total: numberOf(directory, 'cpuacct.usage'),
    kernel: system * TICK,
    user: user * TICK,
    percpu: textOf(directory, 'cpuacct.usage_percpu').split(' ').filter(Boolean).map(Number),
    percpu_kernel: perCpu.map(([, , kernel = 0]) => kernel),
    percpu_user: perCpu.map(([, own = 0]) => own),
  };
}

function cpusetStats(directory: Directory): CpusetStats {
  const value = (name: string, absent = 0): number => numberOf(directory, `cpuset.${name}`, absent);
  return {
    cpus: listOf(textOf(directory, 'cpuset.cpus')),
    mems: listOf(textOf(directory, 'cpuset.mems')),
    cpu_exclusive: value('cpu_exclusive'),
    mem_hardwall: value('mem_hardwall'),
    mem_exclusive: value('mem_exclusive'),
    memory_migrate: value('memory_migrate'),
    memory_spread_page: value('memory_spread_page'),
    memory_spread_slab: value('memory_spread_slab'),
    memory_pressure: value('memory_pressure'),
    sched_load_balance: value('sched_load_balance'),
    sched_relax_domain_level: value('sched_relax_domain_level', -1),
  };
}

function memoryEntry(directory: Directory, prefix: string): MemoryEntry {
  return {
    limit: numberOf(directory, `${prefix}.limit_in_bytes`, Number.POSITIVE_INFINITY),
    usage: numberOf(directory, `${prefix}.usage_in_bytes`),
    max: numberOf(directory, `${prefix}.max_usage_in_bytes`),
    failcnt: numberOf(directory, `${prefix}.failcnt`),
  };
}

const bfq = {
  ioServiceBytesRecursive: 'blkio.bfq.io_service_bytes_recursive',
  ioServicedRecursive: 'blkio.bfq.io_serviced_recursive',
  ioQueueRecursive: 'blkio.bfq.io_queued_recursive',
  ioServiceTimeRecursive: 'blkio.bfq.io_service_time_recursive',
  ioWaitTimeRecursive: 'blkio.bfq.io_wait_time_recursive',
  ioMergedRecursive: 'blkio.bfq.io_merged_recursive',
  ioTimeRecursive: 'blkio.bfq.time_recursive',
  sectorsRecursive: 'blkio.bfq.sectors_recursive',
};
const throttle = {
  ioServiceBytesRecursive: 'blkio.throttle.io_service_bytes_recursive',
  ioServicedRecursive: 'blkio.throttle.io_serviced_recursive',
};

/** The scheduler BFQ counts what goes through it; without it, what is throttled is counted, limited or not. */
function blkioStats(directory: Directory): BlkioStats {
  const ofBfq = blkioLists(directory, bfq);
  return ofBfq.ioServicedRecursive ? ofBfq : blkioLists(directory, throttle);
}

function blkioLists(directory: Directory, files: Readonly<Record<string, string>>): BlkioStats {
  const lists = Object.entries(files).map(([name, file]) => [
    name,
    blkioEntries(textOf(directory, file)),
  ]);
  return Object.fromEntries(lists.filter(([, entries]) => entries?.length));
}

/** `254:0 Read 4096` or `254:0 4096` on each line, and a sum at the end. */
function blkioEntries(text: string): BlkioEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, op, value] = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line) ?? [];
    if (value === undefined) return [];
    return [
      {
        major: Number(major),
        minor: Number(minor),
        ...(op && { op }),
        value: Number(value),
      },
    ];
  });
}
