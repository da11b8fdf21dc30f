/** Each flag of update by the file of the cgroup that it changes, with runc and the runtime under test. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bed } from './bed.js';
import { limitOf } from './cgroups.js';
import { type Side, sidesOf } from './sides.js';

const bed = new Bed({ runc: 'runc' });
const { same } = sidesOf(bed);

/** The files that the flags are about, of v1 and v2. */
const files = [
  'blkio.weight',
  'blkio.bfq.weight',
  'io.bfq.weight',
  'cpu.cfs_period_us',
  'cpu.cfs_quota_us',
  'cpu.shares',
  'cpu.max',
  'cpu.weight',
  'cpuset.cpus',
  'cpuset.mems',
  'memory.limit_in_bytes',
  'memory.soft_limit_in_bytes',
  'memory.memsw.limit_in_bytes',
  'memory.max',
  'memory.low',
  'memory.swap.max',
  'pids.max',
];

/** A container, and after each call the exit code and all limits. */
function updates(
  side: Side,
  calls: readonly (readonly string[] | { readonly stdin: object })[],
): unknown {
  side.running('updated');
  const pid = side.pid('updated');
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')[0] ?? '';
  const name = line.split('/').at(-1) ?? '';
  try {
    return calls.map((call) => {
      const { code, stdout } =
        'stdin' in call
          ? side.call(['update', '--resources', '-', 'updated'], {
              input: JSON.stringify(call.stdin),
            })
          : side.call(['update', ...(call as readonly string[]), 'updated']);
      return [code, stdout, ...files.map((file) => [file, limitOf(name, file)])];
    });
  } finally {
    side.call(['delete', '--force', 'updated']);
  }
}

const wants = ['update'];

same(
  '--memory, --memory-reservation, --memory-swap',
  (side) =>
    updates(side, [
      ['--memory', '67108864'],
      ['--memory', '64m', '--memory-swap', '128m'],
      ['--memory', '256m', '--memory-swap', '512m'],
      ['--memory', '32m', '--memory-swap', '64m'],
      ['--memory-swap=-1'],
      ['--memory=-1', '--memory-swap=-1'],
      ['--memory-reservation', '16m'],
      ['--memory', 'x'],
    ]),
  wants,
);

same(
  '--cpu-period, --cpu-quota, --cpu-share, --cpuset-cpus, --cpuset-mems',
  (side) =>
    updates(side, [
      ['--cpu-period', '50000', '--cpu-quota', '25000'],
      ['--cpu-quota', '20000'],
      ['--cpu-period', '40000'],
      ['--cpu-quota=-1'],
      ['--cpu-share', '512'],
      ['--cpuset-cpus', '0', '--cpuset-mems', '0'],
      ['--cpu-quota', '1'],
      ['--cpuset-cpus', '4095'],
    ]),
  wants,
);

same(
  '--pids-limit',
  (side) => updates(side, [['--pids-limit', '20'], ['--pids-limit=-1'], ['--pids-limit', '30']]),
  wants,
);

same(
  '--blkio-weight',
  (side) =>
    updates(
      side,
      ['500', '5', '0', '1000', '1001', '70000', '-1'].map((it) => [`--blkio-weight=${it}`]),
    ),
  wants,
);

same(
  '--resources from stdin',
  (side) =>
    updates(side, [
      { stdin: { memory: { limit: 67108864 }, cpu: { shares: 256 }, pids: { limit: 40 } } },
      { stdin: { cpu: { quota: 50000, period: 100000 } } },
      { stdin: {} },
    ]),
  wants,
);

same(
  '--resources from a file',
  (side) => {
    const file = join(side.folder, 'resources.json');
    writeFileSync(file, '{"pids":{"limit":50},"memory":{"limit":33554432}}');
    const broken = join(side.folder, 'broken.json');
    writeFileSync(broken, '{"pids":');
    return updates(side, [
      ['--resources', file],
      ['-r', file],
      ['-r', broken],
      ['-r', '/nowhere'],
    ]);
  },
  wants,
);

bed.finish();
