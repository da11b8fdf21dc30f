import type { CgroupLocation } from '../cgroup/cgroup.js';
import { type Directory, hugetlbOf, keyed, listOf, numberOf, pressureOf, textOf } from './read.js';
import type { BlkioEntry, BlkioStats, CgroupStats, MemoryStats } from './stats.js';

const NO_LIMIT = Number.POSITIVE_INFINITY;

export function statsV2({ directories }: CgroupLocation): CgroupStats {
  const directory = directories['unified'];
  const cpu = keyed(directory, 'cpu.stat');
  const time = (name: string): number => (cpu[name] ?? 0) * 1000;
  return {
    cpu: {
      usage: { total: time('usage_usec'), kernel: time('system_usec'), user: time('user_usec') },
      throttling: {
        periods: cpu['nr_periods'] ?? 0,
        throttledPeriods: cpu['nr_throttled'] ?? 0,
        throttledTime: time('throttled_usec'),
      },
      ...pressureOf(directory, 'cpu.pressure'),
    },
    cpuset: {
      cpus: listOf(textOf(directory, 'cpuset.cpus.effective')),
      mems: listOf(textOf(directory, 'cpuset.mems.effective')),
      cpu_exclusive: 0,
      mem_hardwall: 0,
      mem_exclusive: 0,
      memory_migrate: 0,
      memory_spread_page: 0,
      memory_spread_slab: 0,
      memory_pressure: 0,
      sched_load_balance: 0,
      sched_relax_domain_level: 0,
    },
    memory: memoryStats(directory),
    pids: {
      current: numberOf(directory, 'pids.current'),
      limit: numberOf(directory, 'pids.max', NO_LIMIT),
    },
    blkio: { ...ioStats(textOf(directory, 'io.stat')), ...pressureOf(directory, 'io.pressure') },
    hugetlb: hugetlbOf(directory, {
      usage: 'current',
      max: 'peak',
      failures: (at, prefix) => keyed(at, `${prefix.replace('.rsvd', '')}.events`)['max'] ?? 0,
    }),
  };
}

function memoryStats(directory: Directory): MemoryStats {
  const raw = keyed(directory, 'memory.stat');
  const usage = {
    limit: numberOf(directory, 'memory.max', NO_LIMIT),
    usage: numberOf(directory, 'memory.current'),
    max: numberOf(directory, 'memory.peak'),
    failcnt: keyed(directory, 'memory.events')['max'] ?? 0,
  };
  // cgroup v1 counts both together, and so do all who read this.
  const swap = {
    limit: usage.limit + numberOf(directory, 'memory.swap.max', NO_LIMIT),
    usage: usage.usage + numberOf(directory, 'memory.swap.current'),
    max: usage.max + numberOf(directory, 'memory.swap.peak'),
    failcnt: keyed(directory, 'memory.swap.events')['max'] ?? 0,
  };
  const unlimited = (bytes = 0) => ({ limit: NO_LIMIT, usage: bytes, max: 0, failcnt: 0 });
  return {
    cache: raw['file'] ?? 0,
    usage,
    swap,
    kernel: unlimited(raw['kernel']),
    kernelTCP: unlimited(raw['sock']),
    raw,
    ...pressureOf(directory, 'memory.pressure'),
  };
}

const operations = [
  ['r', 'Read'],
  ['w', 'Write'],
  ['d', 'Discard'],
] as const;

/** `254:0 rbytes=4096 wbytes=0 rios=1 …` on each line. */
function ioStats(text: string): BlkioStats {
  const bytes: BlkioEntry[] = [];
  const counts: BlkioEntry[] = [];
  for (const line of text.split('\n')) {
    const [device, ...pairs] = line.split(' ');
    const [major, minor] = (device ?? '').split(':').map(Number);
    if (major === undefined || minor === undefined) continue;
    const values = Object.fromEntries(pairs.map((pair) => pair.split('=')));
    for (const [letter, op] of operations) {
      const add = (list: BlkioEntry[], value: unknown): void => {
        if (value !== undefined) list.push({ major, minor, op, value: Number(value) });
      };
      add(bytes, values[`${letter}bytes`]);
      add(counts, values[`${letter}ios`]);
    }
  }
  return bytes.length === 0 ? {} : { ioServiceBytesRecursive: bytes, ioServicedRecursive: counts };
}
