import type { CgroupLocation } from '../cgroup/cgroup.js';
import { hierarchyWith } from '../cgroup/v1/plan.js';
import type { RdtStats } from '../resctrl/stats.js';
import { networkInterfaces } from './interfaces.js';
import { statsV1 } from './stats-v1.js';
import { statsV2 } from './stats-v2.js';

/**
 * What a container has used, named and nested as runc's `events` has it. Bytes, nanoseconds and plain counts;
 * a limit that isn't set is Infinity. What this host's cgroups don't tell is 0, or absent where that is possible.
 */
export interface Stats {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: PidsStats;
  readonly blkio: BlkioStats;
  /** By the size of the pages: `2MB`. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  readonly intel_rdt: RdtStats;
  /** Those of the container's own network namespace; none when it has the caller's. */
  readonly network_interfaces: readonly NetworkInterfaceStats[];
}

export interface CpuStats {
  readonly usage: CpuUsage;
  readonly throttling: {
    /** Periods of the quota that have passed. */
    readonly periods: number;
    readonly throttledPeriods: number;
    /** Nanoseconds. */
    readonly throttledTime: number;
  };
  readonly psi?: Pressure;
}

/** Nanoseconds. */
export interface CpuUsage {
  readonly total: number;
  readonly kernel: number;
  readonly user: number;
  /** One number for each CPU; cgroup v1 only, as the next two. */
  readonly percpu?: readonly number[];
  readonly percpu_kernel?: readonly number[];
  readonly percpu_user?: readonly number[];
}

export interface CpusetStats {
  readonly cpus: readonly number[];
  readonly mems: readonly number[];
  readonly cpu_exclusive: number;
  readonly mem_hardwall: number;
  readonly mem_exclusive: number;
  readonly memory_migrate: number;
  readonly memory_spread_page: number;
  readonly memory_spread_slab: number;
  readonly memory_pressure: number;
  readonly sched_load_balance: number;
  readonly sched_relax_domain_level: number;
}

export interface MemoryStats {
  /** Bytes of the page cache. */
  readonly cache: number;
  readonly usage: MemoryEntry;
  /** Memory and swap together, on cgroup v2 too. */
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  /** memory.stat as the kernel has it. */
  readonly raw: Readonly<Record<string, number>>;
  readonly psi?: Pressure;
}

/** Bytes, and how often the limit was met. */
export interface MemoryEntry {
  readonly limit: number;
  readonly usage: number;
  /** The most that was ever used. */
  readonly max: number;
  readonly failcnt: number;
}

export interface PidsStats {
  readonly current: number;
  readonly limit: number;
}

export interface BlkioStats {
  /** Bytes by device and operation. */
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[];
  /** Operations. */
  readonly ioServicedRecursive?: readonly BlkioEntry[];
  readonly ioQueueRecursive?: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[];
  readonly ioMergedRecursive?: readonly BlkioEntry[];
  readonly ioTimeRecursive?: readonly BlkioEntry[];
  readonly sectorsRecursive?: readonly BlkioEntry[];
  readonly psi?: Pressure;
}

export interface BlkioEntry {
  readonly major: number;
  readonly minor: number;
  /** `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`; absent for what isn't told apart. */
  readonly op?: string;
  readonly value: number;
}

/** Bytes, and how often the limit was met. */
export interface HugetlbStats {
  readonly usage: number;
  readonly max: number;
  readonly failcnt: number;
}

/** The kernel's pressure stall information (Documentation/accounting/psi.rst). */
export interface Pressure {
  /** Some of the processes were waiting for the resource. */
  readonly some: PressureData;
  /** All of them were. */
  readonly full: PressureData;
}

export interface PressureData {
  /** Share of the last 10, 60 and 300 seconds, in percent. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds in all. */
  readonly total: number;
}

/** Bytes and packets since the interface is there. */
export interface NetworkInterfaceStats {
  readonly Name: string;
  readonly RxBytes: number;
  readonly RxPackets: number;
  readonly RxErrors: number;
  readonly RxDropped: number;
  readonly TxBytes: number;
  readonly TxPackets: number;
  readonly TxErrors: number;
  readonly TxDropped: number;
}

export type CgroupStats = Omit<Stats, 'intel_rdt' | 'network_interfaces'>;

/** Reads what the container's cgroup says now, and the network namespace of its process `pid`. */
export function readStats(location: CgroupLocation, pid: number): Omit<Stats, 'intel_rdt'> {
  return { ...cgroupStats(location), network_interfaces: networkInterfaces(pid) };
}

function cgroupStats(location: CgroupLocation): CgroupStats {
  if (location.version === 'v2') return statsV2(location);
  const own = statsV1(location);
  if (location.directories['unified'] === undefined) return own;
  // The cgroup2 hierarchy beside those of v1 measures pressure, and has the controllers that they don't.
  const beside = statsV2(location);
  const choose = <Subject extends keyof CgroupStats>(subject: Subject, controller: string) =>
    (hierarchyWith(location, controller) === undefined ? beside : own)[subject];
  return {
    cpu: { ...choose('cpu', 'cpuacct'), ...pressureIn(beside.cpu) },
    cpuset: choose('cpuset', 'cpuset'),
    memory: { ...choose('memory', 'memory'), ...pressureIn(beside.memory) },
    pids: choose('pids', 'pids'),
    blkio: { ...choose('blkio', 'blkio'), ...pressureIn(beside.blkio) },
    hugetlb: choose('hugetlb', 'hugetlb'),
  };
}

const pressureIn = ({ psi }: { readonly psi?: Pressure }) => (psi === undefined ? {} : { psi });
