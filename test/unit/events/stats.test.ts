/** Statistics from files as the kernel writes them, of hosts that this one isn't. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseInterfaces } from '../../../ts/events/interfaces.js';
import { readStats } from '../../../ts/events/stats.js';

const test = suite('events/stats');
let folder = '';

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'stats-'));
});

test.after.each(() => {
  rmSync(folder, { recursive: true });
});

function files(name: string, contents: Readonly<Record<string, string>>): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  for (const [file, content] of Object.entries(contents))
    writeFileSync(join(directory, file), `${content}\n`);
  return directory;
}

const NO_LIMIT = Number.POSITIVE_INFINITY;
const PSI =
  'some avg10=1.50 avg60=0.25 avg300=0.00 total=1234\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=99';
const psi = {
  some: { avg10: 1.5, avg60: 0.25, avg300: 0, total: 1234 },
  full: { avg10: 0.5, avg60: 0, avg300: 0, total: 99 },
};

test('cgroup v2', () => {
  const unified = files('unified', {
    'cpu.stat':
      'usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 7\nnr_throttled 2\nthrottled_usec 50',
    'cpu.pressure': PSI,
    'cpuset.cpus.effective': '0-2,7',
    'cpuset.mems.effective': '0',
    'memory.current': '4096',
    'memory.max': '8192',
    'memory.peak': '6000',
    'memory.events': 'low 0\nhigh 0\nmax 3\noom 1\noom_kill 1',
    'memory.swap.current': '100',
    'memory.swap.max': '1000',
    'memory.stat': 'anon 1\nfile 2048\nkernel 77\nsock 5',
    'pids.current': '4',
    'pids.max': 'max',
    'io.stat': '254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 ',
    'io.pressure': PSI,
    'hugetlb.2MB.current': '2097152',
    'hugetlb.2MB.rsvd.current': '4194304',
    'hugetlb.2MB.events': 'max 9',
  });
  const stats = readStats({ version: 'v2', directories: { unified } }, 0);
  assert.equal(stats.cpu, {
    usage: { total: 3_000_000, kernel: 1_000_000, user: 2_000_000 },
    throttling: { periods: 7, throttledPeriods: 2, throttledTime: 50_000 },
    psi,
  });
  assert.equal([stats.cpuset.cpus, stats.cpuset.mems], [[0, 1, 2, 7], [0]]);
  const { usage, swap, kernel, kernelTCP, cache } = stats.memory;
  assert.equal(usage, { limit: 8192, usage: 4096, max: 6000, failcnt: 3 });
  assert.equal([swap.limit, swap.usage], [9192, 4196]);
  assert.equal([kernel.usage, kernel.limit, kernelTCP.usage, cache], [77, NO_LIMIT, 5, 2048]);
  assert.equal(stats.pids, { current: 4, limit: NO_LIMIT });
  assert.equal(stats.blkio.ioServiceBytesRecursive, [
    { major: 254, minor: 0, op: 'Read', value: 10 },
    { major: 254, minor: 0, op: 'Write', value: 20 },
    { major: 254, minor: 0, op: 'Discard', value: 0 },
  ]);
  assert.equal(stats.hugetlb, { '2MB': { usage: 4194304, max: 0, failcnt: 9 } });
});

test('cgroup v1 with BFQ, huge pages and two controllers in a hierarchy', () => {
  const directories = {
    'cpu,cpuacct': files('cpu,cpuacct', {
      'cpuacct.usage': '5000',
      'cpuacct.stat': 'user 3\nsystem 2',
      'cpuacct.usage_percpu': '3000 2000 ',
      'cpuacct.usage_all': 'cpu user system\n0 2500 500\n1 1500 500',
      'cpu.stat': 'nr_periods 1\nnr_throttled 1\nthrottled_time 12',
    }),
    blkio: files('blkio', {
      'blkio.bfq.io_serviced_recursive': '8:0 Read 3\n8:0 Total 3\nTotal 3',
      'blkio.bfq.time_recursive': '8:0 55',
      'blkio.throttle.io_serviced_recursive': '8:0 Read 99',
    }),
    hugetlb: files('hugetlb', {
      'hugetlb.1GB.usage_in_bytes': '1',
      'hugetlb.1GB.max_usage_in_bytes': '2',
      'hugetlb.1GB.failcnt': '3',
    }),
    memory: files('memory', {
      'memory.limit_in_bytes': '9223372036854771712',
      'memory.usage_in_bytes': '5',
      'memory.stat': 'cache 4\nhierarchical_memory_limit 9223372036854771712',
    }),
  };
  const stats = readStats({ version: 'v1', directories }, 0);
  assert.equal(stats.cpu.usage, {
    total: 5000,
    kernel: 20_000_000,
    user: 30_000_000,
    percpu: [3000, 2000],
    percpu_kernel: [500, 500],
    percpu_user: [2500, 1500],
  });
  assert.equal(stats.blkio, {
    ioServicedRecursive: [
      { major: 8, minor: 0, op: 'Read', value: 3 },
      { major: 8, minor: 0, op: 'Total', value: 3 },
    ],
    ioTimeRecursive: [{ major: 8, minor: 0, value: 55 }],
  });
  assert.equal(stats.hugetlb, { '1GB': { usage: 1, max: 2, failcnt: 3 } });
  assert.equal(stats.memory.usage, { limit: NO_LIMIT, usage: 5, max: 0, failcnt: 0 });
  assert.equal(stats.memory.raw, { cache: 4, hierarchical_memory_limit: NO_LIMIT });
});

test('on a hybrid host the cgroup2 measures pressure and what has no v1 hierarchy', () => {
  const directories = {
    memory: files('memory', { 'memory.usage_in_bytes': '5' }),
    unified: files('unified', {
      'memory.current': '99',
      'memory.pressure': PSI,
      'pids.current': '3',
      'pids.max': '10',
    }),
  };
  const stats = readStats({ version: 'hybrid', directories }, 0);
  assert.is(stats.memory.usage.usage, 5);
  assert.equal(stats.memory.psi, psi);
  assert.equal(stats.pids, { current: 3, limit: 10 });
});

test('a cgroup that is gone has used nothing', () => {
  const stats = readStats({ version: 'v2', directories: { unified: join(folder, 'gone') } }, 0);
  assert.is(stats.memory.usage.usage, 0);
  assert.equal(stats.hugetlb, {});
  assert.equal(stats.network_interfaces, []);
});

test('network interfaces, names with colons included', () => {
  const table = `Inter-|   Receive                        |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    3    4    0     0          0         0      200       5    6    7    0     0       0          0
eth0:1: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0
`;
  const [lo, alias] = parseInterfaces(table);
  assert.equal(lo, {
    Name: 'lo',
    RxBytes: 100,
    RxPackets: 2,
    RxErrors: 3,
    RxDropped: 4,
    TxBytes: 200,
    TxPackets: 5,
    TxErrors: 6,
    TxDropped: 7,
  });
  assert.is(alias?.Name, 'eth0:1');
});

test.run();
