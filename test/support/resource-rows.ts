/** Every resource of config-linux.md: what a test asks for at create and at update, and what the kernel is to show then. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { LinuxResources } from '../../ts/spec/types.js';

const MiB = 1048576;

/** A file and one of its lines after create, and after update. */
export type Reading = readonly [file: string, create: string, update: string];

export type Cell =
  /** `readings` of a controller's files. A kernel that lacks the first file must refuse. */
  | { readonly controller: string; readonly readings: readonly Reading[] }
  /** It can't be had here, whatever the kernel; said so. */
  | { readonly refused: RegExp }
  /** It is so without anything being written. */
  | { readonly met: string };

export interface Row {
  readonly name: string;
  readonly create: LinuxResources;
  readonly update: LinuxResources;
  readonly v1: Cell;
  readonly v2: Cell;
}

/** A disk, if there is one under the bfq scheduler; else any. What has no device below it is memory, or a loop. */
const disks = readdirSync('/sys/block')
  .map((name) => `/sys/block/${name}`)
  .filter((folder) => existsSync(`${folder}/device`) && existsSync(`${folder}/queue/scheduler`))
  .map((folder) => ({
    name: basename(folder),
    numbers: readFileSync(`${folder}/dev`, 'utf8').trim(),
    bfq: readFileSync(`${folder}/queue/scheduler`, 'utf8').includes('[bfq]'),
  }));
export const disk = disks.find(({ bfq }) => bfq) ??
  disks[0] ?? { name: '', numbers: '0:0', bfq: false };
const [major = 0, minor = 0] = disk.numbers.split(':').map(Number);

/** scripts/vm/job.sh makes a device of that name. */
const rdma: Cell = existsSync('/sys/class/infiniband/tsrunc0')
  ? {
      controller: 'rdma',
      readings: [
        [
          'rdma.max',
          'tsrunc0 hca_handle=max hca_object=100',
          'tsrunc0 hca_handle=max hca_object=200',
        ],
      ],
    }
  : { refused: /rdma\["tsrunc0"\] (can't|could not) be set: .*(no such device|controller)/ };

const bytes = (count: number): string => String(count * MiB);
const on = (controller: string, ...readings: Reading[]): Cell => ({ controller, readings });

type Throttle = Extract<keyof NonNullable<LinuxResources['blockIO']>, `throttle${string}`>;

function throttle(name: Throttle, v1: string, max: (rate: number) => string): Row {
  const resources = (rate: number): LinuxResources => ({
    blockIO: { [name]: [{ major, minor, rate }] },
  });
  const line = (rate: number): string => `${disk.numbers} ${rate}`;
  return {
    name: `blockIO.${name}`,
    create: resources(5 * MiB),
    update: resources(7 * MiB),
    v1: on('blkio', [`blkio.throttle.${v1}_device`, line(5 * MiB), line(7 * MiB)]),
    v2: on('io', ['io.max', `${disk.numbers} ${max(5 * MiB)}`, `${disk.numbers} ${max(7 * MiB)}`]),
  };
}

/** @param has whether new cgroups of this machine have such a file */
export function resourceRows(has: (hierarchy: string, file: string) => boolean): Row[] {
  const memory: Row[] = [
    {
      name: 'memory.limit',
      create: { memory: { limit: 64 * MiB } },
      update: { memory: { limit: 128 * MiB } },
      v1: on('memory', ['memory.limit_in_bytes', bytes(64), bytes(128)]),
      v2: on('memory', ['memory.max', bytes(64), bytes(128)]),
    },
    {
      name: 'memory.reservation',
      create: { memory: { reservation: 32 * MiB } },
      update: { memory: { reservation: 48 * MiB } },
      v1: on('memory', ['memory.soft_limit_in_bytes', bytes(32), bytes(48)]),
      v2: on('memory', ['memory.low', bytes(32), bytes(48)]),
    },
    {
      name: 'memory.swap',
      create: { memory: { limit: 64 * MiB, swap: 96 * MiB } },
      update: { memory: { swap: 128 * MiB } },
      v1: on('memory', ['memory.memsw.limit_in_bytes', bytes(96), bytes(128)]),
      v2: on('memory', ['memory.swap.max', bytes(32), bytes(64)]),
    },
    {
      name: 'memory.kernel',
      create: { memory: { kernel: 8 * MiB } },
      update: { memory: { kernel: 16 * MiB } },
      // The floor of tsrunc is Linux 5.14; the kernel has had none since 5.16.
      v1: { refused: /memory\.kernel can't be set: this kernel/ },
      v2: { refused: /memory\.kernel can't be set: cgroup v2 counts it in memory\.limit/ },
    },
    {
      name: 'memory.kernelTCP',
      create: { memory: { kernelTCP: 8 * MiB } },
      update: { memory: { kernelTCP: 16 * MiB } },
      v1: on('memory', ['memory.kmem.tcp.limit_in_bytes', bytes(8), bytes(16)]),
      v2: { refused: /memory\.kernelTCP can't be set: cgroup v2 counts it in memory\.limit/ },
    },
    {
      name: 'memory.swappiness',
      create: { memory: { swappiness: 7 } },
      update: { memory: { swappiness: 11 } },
      v1: on('memory', ['memory.swappiness', '7', '11']),
      v2: { refused: /memory\.swappiness can't be set: cgroup v2 has none/ },
    },
    {
      name: 'memory.disableOOMKiller',
      create: { memory: { disableOOMKiller: true } },
      update: { memory: { disableOOMKiller: false } },
      v1: on('memory', ['memory.oom_control', 'oom_kill_disable 1', 'oom_kill_disable 0']),
      v2: { refused: /memory\.disableOOMKiller can't be set: cgroup v2 can not switch it off/ },
    },
    {
      name: 'memory.useHierarchy',
      create: { memory: { useHierarchy: true } },
      update: { memory: { useHierarchy: true } },
      v1: on('memory', ['memory.use_hierarchy', '1', '1']),
      v2: { met: 'always counted so' },
    },
  ];
  const cpu: Row[] = [
    {
      name: 'cpu.shares',
      create: { cpu: { shares: 512 } },
      update: { cpu: { shares: 2048 } },
      v1: on('cpu', ['cpu.shares', '512', '2048']),
      v2: on('cpu', ['cpu.weight', '59', '174']),
    },
    {
      name: 'cpu.quota',
      create: { cpu: { quota: 50_000, period: 100_000 } },
      update: { cpu: { quota: 30_000 } },
      v1: on('cpu', ['cpu.cfs_quota_us', '50000', '30000']),
      v2: on('cpu', ['cpu.max', '50000 100000', '30000 100000']),
    },
    {
      name: 'cpu.period',
      create: { cpu: { quota: 50_000, period: 200_000 } },
      update: { cpu: { period: 100_000 } },
      v1: on('cpu', ['cpu.cfs_period_us', '200000', '100000']),
      v2: on('cpu', ['cpu.max', '50000 200000', '50000 100000']),
    },
    {
      name: 'cpu.burst',
      create: { cpu: { quota: 50_000, period: 100_000, burst: 10_000 } },
      update: { cpu: { burst: 20_000 } },
      v1: on('cpu', ['cpu.cfs_burst_us', '10000', '20000']),
      v2: on('cpu', ['cpu.max.burst', '10000', '20000']),
    },
    {
      name: 'cpu.realtimeRuntime',
      create: { cpu: { realtimePeriod: 500_000, realtimeRuntime: 10_000 } },
      update: { cpu: { realtimeRuntime: 20_000 } },
      v1: on('cpu', ['cpu.rt_runtime_us', '10000', '20000']),
      v2: { refused: /cpu\.realtime\w+ can't be set: cgroup v2 has no limit on realtime/ },
    },
    {
      name: 'cpu.realtimePeriod',
      create: { cpu: { realtimePeriod: 500_000 } },
      update: { cpu: { realtimePeriod: 400_000 } },
      v1: on('cpu', ['cpu.rt_period_us', '500000', '400000']),
      v2: { refused: /cpu\.realtimePeriod can't be set: cgroup v2 has no limit on realtime/ },
    },
    {
      name: 'cpu.cpus',
      create: { cpu: { cpus: '0' } },
      update: { cpu: { cpus: '0-1' } },
      v1: on('cpuset', ['cpuset.cpus', '0', '0-1']),
      v2: on('cpuset', ['cpuset.cpus', '0', '0-1']),
    },
    {
      name: 'cpu.mems',
      create: { cpu: { mems: '0' } },
      update: { cpu: { mems: '0' } },
      v1: on('cpuset', ['cpuset.mems', '0', '0']),
      v2: on('cpuset', ['cpuset.mems', '0', '0']),
    },
    {
      name: 'cpu.idle',
      create: { cpu: { idle: 1 } },
      update: { cpu: { idle: 0 } },
      v1: on('cpu', ['cpu.idle', '1', '0']),
      v2: on('cpu', ['cpu.idle', '1', '0']),
    },
  ];
  const bfq = has('unified', 'io.bfq.weight');
  const blockIO: Row[] = [
    {
      name: 'blockIO.weight',
      create: { blockIO: { weight: 300 } },
      update: { blockIO: { weight: 500 } },
      v1: on('blkio', ['blkio.bfq.weight', '300', '500']),
      v2: bfq
        ? on('io', ['io.bfq.weight', 'default 300', 'default 500'])
        : on('io', ['io.weight', 'default 2929', 'default 4950']),
    },
    {
      name: 'blockIO.leafWeight',
      create: { blockIO: { leafWeight: 300 } },
      update: { blockIO: { leafWeight: 500 } },
      v1: { refused: /blockIO\.leafWeight can't be set: this kernel has no such limit/ },
      v2: { refused: /blockIO\.leafWeight can't be set: cgroup v2 has no leaf weights/ },
    },
    {
      name: 'blockIO.weightDevice',
      create: { blockIO: { weightDevice: [{ major, minor, weight: 300 }] } },
      update: { blockIO: { weightDevice: [{ major, minor, weight: 500 }] } },
      v1: disk.bfq
        ? on('blkio', ['blkio.bfq.weight_device', `${disk.numbers} 300`, `${disk.numbers} 500`])
        : { refused: /weightDevice\[0\]\.weight can't be set: .*bfq I\/O scheduler/ },
      v2: disk.bfq
        ? on('io', ['io.bfq.weight', `${disk.numbers} 300`, `${disk.numbers} 500`])
        : { refused: /weightDevice\[0\]\.weight can't be set: .*bfq I\/O scheduler/ },
    },
    throttle('throttleReadBpsDevice', 'read_bps', (n) => `rbps=${n} wbps=max riops=max wiops=max`),
    throttle(
      'throttleWriteBpsDevice',
      'write_bps',
      (n) => `rbps=max wbps=${n} riops=max wiops=max`,
    ),
    throttle(
      'throttleReadIOPSDevice',
      'read_iops',
      (n) => `rbps=max wbps=max riops=${n} wiops=max`,
    ),
    throttle(
      'throttleWriteIOPSDevice',
      'write_iops',
      (n) => `rbps=max wbps=max riops=max wiops=${n}`,
    ),
  ];
  const huge = (ending: string): Reading[] =>
    [`hugetlb.2MB.${ending}`, `hugetlb.2MB.rsvd.${ending}`].map((file) => [
      file,
      bytes(4),
      bytes(6),
    ]);
  const others: Row[] = [
    {
      name: 'pids.limit',
      create: { pids: { limit: 33 } },
      update: { pids: { limit: 44 } },
      v1: on('pids', ['pids.max', '33', '44']),
      v2: on('pids', ['pids.max', '33', '44']),
    },
    {
      name: 'hugepageLimits',
      create: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] },
      update: { hugepageLimits: [{ pageSize: '2MB', limit: 6 * MiB }] },
      v1: on('hugetlb', ...huge('limit_in_bytes')),
      v2: on('hugetlb', ...huge('max')),
    },
    {
      name: 'network.classID',
      create: { network: { classID: 1048577 } },
      update: { network: { classID: 1048578 } },
      v1: on('net_cls', ['net_cls.classid', '1048577', '1048578']),
      v2: { refused: /network\.classID can't be set: cgroup v2 has neither the net_cls/ },
    },
    {
      name: 'network.priorities',
      create: { network: { priorities: [{ name: 'lo', priority: 5 }] } },
      update: { network: { priorities: [{ name: 'lo', priority: 6 }] } },
      v1: on('net_prio', ['net_prio.ifpriomap', 'lo 5', 'lo 6']),
      v2: { refused: /network\.priorities\[0\] can't be set: cgroup v2 has neither the net_cls/ },
    },
    {
      name: 'rdma',
      create: { rdma: { tsrunc0: { hcaObjects: 100 } } },
      update: { rdma: { tsrunc0: { hcaObjects: 200 } } },
      v1: rdma,
      v2: rdma,
    },
    {
      name: 'unified',
      create: { unified: { 'memory.high': bytes(48) } },
      update: { unified: { 'memory.high': bytes(64) } },
      v1: { refused: /unified\["memory\.high"\] can't be set: / },
      v2: on('memory', ['memory.high', bytes(48), bytes(64)]),
    },
  ];
  return [...memory, ...cpu, ...blockIO, ...others];
}
