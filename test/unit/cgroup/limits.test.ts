import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Limit, writeLimits } from '../../../ts/cgroup/limits.js';
import { cpuLimits as cpuLimitsV1 } from '../../../ts/cgroup/v1/cpu.js';
import { cpusetLimits } from '../../../ts/cgroup/v1/cpuset.js';
import { memoryLimits as memoryLimitsV1 } from '../../../ts/cgroup/v1/memory.js';
import { pidsLimits } from '../../../ts/cgroup/v1/pids.js';
import { cpuLimits as cpuLimitsV2, sharesToWeight } from '../../../ts/cgroup/v2/cpu.js';
import { memoryLimits as memoryLimitsV2 } from '../../../ts/cgroup/v2/memory.js';
import { TsruncError } from '../../../ts/errors.js';

/** `file=value`, in order. */
const lines = (limits: readonly Limit[]): string[] =>
  limits.map(({ file, value }) => `${file}=${value}`);

/** Reads the files of a cgroup that is only told of. */
const reader =
  (files: Record<string, string> = {}) =>
  (file: string): string => {
    const content = files[file];
    if (content === undefined) throw new Error(`${file} was read`);
    return content;
  };

const noFiles = { read: reader(), has: () => false };

test('memory on v1', () => {
  const both = { limit: 4096n * 1024n, swap: 8388608, reservation: 1048576 };
  assert.equal(lines(memoryLimitsV1(both, noFiles)), [
    'memory.limit_in_bytes=4194304',
    'memory.memsw.limit_in_bytes=8388608',
    'memory.soft_limit_in_bytes=1048576',
  ]);
  assert.equal(lines(memoryLimitsV1({ limit: -1 }, noFiles)), [
    'memory.limit_in_bytes=-1',
    'memory.memsw.limit_in_bytes=-1',
  ]);
  assert.equal(memoryLimitsV1({ limit: 0, swap: 0n, reservation: 0 }, noFiles), []);
  assert.equal(lines(memoryLimitsV1({ limit: 9223372036854771712n }, noFiles)), [
    'memory.limit_in_bytes=9223372036854771712',
  ]);
});

test('memory on v2: swap is counted alone', () => {
  const plan = (memory: Parameters<typeof memoryLimitsV2>[0], files = {}) =>
    lines(memoryLimitsV2(memory, reader(files)));
  assert.equal(plan({ limit: 1000, swap: 3000, reservation: 500 }), [
    'memory.max=1000',
    'memory.swap.max=2000',
    'memory.low=500',
  ]);
  assert.equal(plan({ limit: 1000, swap: 1000 }), ['memory.max=1000', 'memory.swap.max=0']);
  assert.equal(plan({ limit: 1000, swap: -1 }), ['memory.max=1000', 'memory.swap.max=max']);
  assert.equal(plan({ limit: -1 }), ['memory.max=max', 'memory.swap.max=max']);
  assert.equal(plan({ limit: -1, swap: 3000 }), ['memory.max=max', 'memory.swap.max=3000']);
  assert.equal(plan({ limit: 1000 }), ['memory.max=1000']);
  assert.equal(plan({ reservation: -1 }), ['memory.low=max']);
  assert.equal(plan({ limit: 0, swap: 0, reservation: 0, kernel: -1, useHierarchy: true }), []);
  assert.equal(plan({ swap: 3000 }, { 'memory.max': '1000' }), ['memory.swap.max=2000']);
  const large = 2n ** 62n;
  assert.equal(plan({ limit: large, swap: large + 1n })[1], 'memory.swap.max=1');
});

test('a limit on swap that means nothing is refused', () => {
  const refuse = (memory: object, files: Record<string, string>, message: RegExp): void =>
    assert.throws(() => memoryLimitsV2(memory, reader(files)), message);
  refuse(
    { limit: 3000, swap: 1000 },
    {},
    /memory\.swap is 1000, but must not be less than .* 3000/,
  );
  refuse({ swap: 1000 }, { 'memory.max': 'max' }, /set linux\.resources\.memory\.limit, too/);
});

test('checkBeforeUpdate refuses less than what is in use on v2, where the kernel would kill', () => {
  const plan = (limit: number) =>
    lines(memoryLimitsV2({ limit, checkBeforeUpdate: true }, reader({ 'memory.current': '5000' })));
  assert.throws(() => plan(4999), /4999 bytes are less than the 5000 in use/);
  assert.equal(plan(5000), ['memory.max=5000']);
  assert.equal(plan(-1)[0], 'memory.max=max');
});

test('cpu on v1', () => {
  assert.equal(
    lines(
      cpuLimitsV1({
        shares: 512,
        quota: 50000,
        period: 100000,
        burst: 1000,
        idle: 0,
        realtimePeriod: 1000000,
        realtimeRuntime: 950000,
      }),
    ),
    [
      'cpu.shares=512',
      'cpu.cfs_period_us=100000',
      'cpu.cfs_quota_us=50000',
      'cpu.rt_period_us=1000000',
      'cpu.rt_runtime_us=950000',
      'cpu.cfs_burst_us=1000',
      'cpu.idle=0',
    ],
  );
  // The kernel gives an idle group the least weight, and refuses another one.
  assert.equal(lines(cpuLimitsV1({ shares: 512, idle: 1 })), ['cpu.idle=1']);
  assert.equal(lines(cpuLimitsV2({ shares: 512, idle: 1n }, reader())), ['cpu.idle=1']);
  assert.equal(lines(cpuLimitsV1({ quota: -1 })), ['cpu.cfs_quota_us=-1']);
  assert.equal(cpuLimitsV1({ shares: 0, quota: 0, period: 0, realtimeRuntime: 0, cpus: '' }), []);
});

test('0 is a real value for burst and idle, and no error on a kernel without them', () => {
  assert.equal(lines(cpuLimitsV1({ burst: 0, idle: 0 })), ['cpu.cfs_burst_us=0', 'cpu.idle=0']);
  assert.ok(cpuLimitsV1({ burst: 0, idle: 0n }).every(({ optional }) => optional));
  assert.not.ok(cpuLimitsV1({ burst: 1, idle: 1 }).some(({ optional }) => optional));
});

test('cpu on v2: one file has quota and period', () => {
  const plan = (cpu: Parameters<typeof cpuLimitsV2>[0], files = {}) =>
    lines(cpuLimitsV2(cpu, reader(files)));
  assert.equal(plan({ quota: 50000, period: 100000 }), ['cpu.max=50000 100000']);
  assert.equal(plan({ quota: 50000 }), ['cpu.max=50000']);
  assert.equal(plan({ quota: -1, period: 20000 }), ['cpu.max=max 20000']);
  assert.equal(plan({ period: 20000 }, { 'cpu.max': '7000 100000' }), ['cpu.max=7000 20000']);
  assert.equal(plan({ shares: 1024, burst: 5, idle: 0 }), [
    'cpu.weight=100',
    'cpu.max.burst=5',
    'cpu.idle=0',
  ]);
  assert.throws(() => plan({ realtimeRuntime: 1 }), /cpu\.realtimeRuntime can't be set: cgroup v2/);
});

test('shares become weights: least, default and most are what they were', () => {
  for (const [shares, weight] of [
    [2, 1],
    [1024, 100],
    [262144, 10000],
    [512, 59],
    [2048, 174],
    [1, 1],
    [10_000_000, 10000],
  ] as const) {
    assert.is(sharesToWeight(shares), weight, String(shares));
  }
  for (let shares = 2; shares < 262144; shares += 97) {
    assert.ok(sharesToWeight(shares) <= sharesToWeight(shares + 97));
  }
});

test('cpuset and pids', () => {
  assert.equal(lines(cpusetLimits({ cpus: '0-1', mems: '0' })), [
    'cpuset.cpus=0-1',
    'cpuset.mems=0',
  ]);
  assert.equal(cpusetLimits({ cpus: '', shares: 5 }), []);
  for (const [limit, value] of [
    [-1, 'max'],
    [0, '0'],
    [100n, '100'],
  ] as const) {
    assert.equal(lines(pidsLimits({ limit })), [`pids.max=${value}`]);
  }
  assert.equal(pidsLimits({}), []);
});

test('a limit without a file is an error that names all, unless it holds anyway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsrunc-limits-'));
  try {
    writeFileSync(join(directory, 'memory.max'), '');
    writeLimits(directory, [
      { name: 'memory.swap', file: 'memory.swap.max', value: '0', optional: true },
      { name: 'memory.limit', file: 'memory.max', value: '4096' },
    ]);
    assert.is(readFileSync(join(directory, 'memory.max'), 'utf8'), '4096');
    try {
      writeLimits(directory, [{ name: 'pids.limit', file: 'pids.max', value: '7' }]);
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof TsruncError);
      assert.is(
        error.message,
        `linux.resources.pids.limit can't be set: this kernel has no such limit: it needs ${directory}/pids.max, which takes CONFIG_CGROUP_PIDS: provide that, or remove it from the configuration`,
      );
      assert.equal(
        [error.code, error.stage, error.path],
        ['UNSUPPORTED', 'cgroup', join(directory, 'pids.max')],
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
