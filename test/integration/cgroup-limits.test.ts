import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCgroup } from '../../ts/cgroup/open.js';
import type { LinuxResources } from '../../ts/spec/types.js';
import {
  codeOf,
  gone,
  isRoot,
  layout,
  locate,
  native,
  read,
  withCgroup,
} from '../support/cgroups.js';
import { skipUnless } from '../support/skip.js';

const v1 = suite('limits v1');
const onV1 = skipUnless(isRoot && locate('v1') !== undefined, 'root and cgroups v1')(v1);
const MiB = 1048576;

onV1('limits are in the kernel', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    cgroup.apply({
      memory: { limit: 64 * MiB, swap: BigInt(128 * MiB), reservation: 32 * MiB },
      cpu: {
        shares: 512,
        quota: 50000,
        period: 200000,
        burst: 10000,
        cpus: '0',
        mems: '0',
        idle: 0,
      },
      pids: { limit: 33 },
      devices: [
        { allow: false },
        { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
        { allow: true, type: 'b', major: 8, access: 'r' },
      ],
    });
    const expected: [hierarchy: string, file: string, content: string][] = [
      ['memory', 'memory.limit_in_bytes', String(64 * MiB)],
      ['memory', 'memory.memsw.limit_in_bytes', String(128 * MiB)],
      ['memory', 'memory.soft_limit_in_bytes', String(32 * MiB)],
      ['cpu', 'cpu.shares', '512'],
      ['cpu', 'cpu.cfs_quota_us', '50000'],
      ['cpu', 'cpu.cfs_period_us', '200000'],
      ['cpu', 'cpu.cfs_burst_us', '10000'],
      ['cpuset', 'cpuset.cpus', '0'],
      ['cpuset', 'cpuset.mems', '0'],
      ['pids', 'pids.max', '33'],
    ];
    for (const [hierarchy, file, content] of expected)
      assert.is(read(location, hierarchy, file), content, file);
    const list = read(location, 'devices', 'devices.list').split('\n');
    for (const line of [
      'c *:* m',
      'b *:* m',
      'c 1:3 rwm',
      'c 136:* rwm',
      'c 10:229 rw',
      'b 8:* r',
    ]) {
      assert.ok(list.includes(line), line);
    }
    assert.not.ok(list.includes('a *:* rwm'));
  }),
);

onV1('limits that depend on each other go up and down, whatever was before', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    for (const factor of [4, 1, 64, 2]) {
      const memory = { limit: 8 * MiB * factor, swap: 12 * MiB * factor };
      const cpu = { period: 2000 * factor, quota: 1000 * factor, burst: 1000 * factor };
      cgroup.apply({ memory, cpu });
      assert.is(read(location, 'memory', 'memory.memsw.limit_in_bytes'), String(memory.swap));
      assert.is(read(location, 'memory', 'memory.limit_in_bytes'), String(memory.limit));
      assert.is(read(location, 'cpu', 'cpu.cfs_burst_us'), String(cpu.burst));
    }
    cgroup.apply({ memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } });
    assert.ok(Number(read(location, 'memory', 'memory.memsw.limit_in_bytes')) > 2 ** 60);
    assert.is(read(location, 'cpu', 'cpu.cfs_quota_us'), '-1');
    assert.is(read(location, 'pids', 'pids.max'), 'max');
  }),
);

onV1('a new cpuset has what its parent has, also an empty parent that others made', () =>
  withCgroup('v1', (cgroup, location) => {
    const directory = location.directories['cpuset'] ?? '';
    mkdirSync(dirname(directory));
    cgroup.create();
    const topmost = dirname(dirname(directory));
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      assert.is(read(location, 'cpuset', file), readFileSync(join(topmost, file), 'utf8').trim());
    }
  }),
);

onV1('what the kernel refuses is told with limit, value, file and errno', () =>
  withCgroup('v1', (cgroup, { directories }) => {
    cgroup.create();
    const refuse = (resources: LinuxResources, message: RegExp): void => {
      assert.throws(() => cgroup.apply(resources), message);
      codeOf(() => cgroup.apply(resources));
    };
    const path = (controller: string, file: string): string =>
      join(directories[controller] ?? '', file);
    refuse(
      { cpu: { quota: 1 } },
      new RegExp(
        `^linux\\.resources\\.cpu\\.quota could not be set: writing "1" to ${path('cpu', 'cpu.cfs_quota_us')} failed with EINVAL \\(`,
      ),
    );
    refuse(
      { cpu: { cpus: '4000' } },
      /cpu\.cpus could not be set: writing "4000" to .*cpuset\.cpus failed with E/,
    );
    refuse({ memory: { limit: 8 * MiB, swap: 4 * MiB } }, /memory\.swap could not be set/);
    refuse({ pids: { limit: 2n ** 62n } }, /pids\.limit could not be set/);
  }),
);

onV1('a limit for a controller that is not mounted is refused', () =>
  withCgroup('v1', (_, { version, directories: { memory, ...directories } }) => {
    const cgroup = openCgroup({ version, directories }, native);
    cgroup.create();
    assert.throws(
      () => cgroup.apply({ memory: { limit: 8 * MiB } }),
      /with the memory controller is mounted/,
    );
    assert.is(
      codeOf(() => cgroup.apply({ memory: { limit: 8 * MiB } })),
      'UNSUPPORTED',
    );
    cgroup.apply({ memory: { limit: 0 } });
    assert.ok(memory);
  }),
);

onV1('a failure of create leaves nothing', () =>
  withCgroup('v1', (_, { version, directories }) => {
    const nowhere = '/proc/self/nowhere';
    const broken = { version, directories: { ...directories, zzz: nowhere } };
    assert.is(
      codeOf(() => openCgroup(broken, native).create()),
      'ENOENT',
    );
    assert.ok(gone({ version, directories }));
    assert.not.ok(existsSync(dirname(directories['memory'] ?? '')));
  }),
);

v1.run();

const v2 = suite('limits v2');
const controllers = layout.version === 'v2' ? layout.controllers : [];
const hasAll = ['memory', 'cpu', 'cpuset', 'pids'].every((name) => controllers.includes(name));

skipUnless(isRoot && hasAll, 'root and cgroup v2 with memory, cpu, cpuset and pids')(v2)(
  'limits are in the kernel',
  () =>
    withCgroup('v2', (cgroup, location) => {
      cgroup.create();
      cgroup.apply({
        memory: { limit: 64 * MiB, swap: 128 * MiB, reservation: 32 * MiB },
        cpu: {
          shares: 512,
          quota: 50000,
          period: 200000,
          burst: 10000,
          cpus: '0',
          mems: '0',
          idle: 0,
        },
        pids: { limit: 33 },
      });
      const expected: [file: string, content: string][] = [
        ['memory.max', String(64 * MiB)],
        ['memory.swap.max', String(64 * MiB)],
        ['memory.low', String(32 * MiB)],
        ['cpu.weight', '59'],
        ['cpu.max', '50000 200000'],
        ['cpu.max.burst', '10000'],
        ['cpuset.cpus', '0'],
        ['cpuset.mems', '0'],
        ['pids.max', '33'],
      ];
      for (const [file, content] of expected)
        assert.is(read(location, 'unified', file), content, file);
    }),
);

skipUnless(
  isRoot && locate('v2') !== undefined && !hasAll,
  'root and a cgroup2 that lacks controllers',
)(v2)('a limit for a controller that the host does not give names it', () =>
  withCgroup('v2', (cgroup) => {
    cgroup.create();
    const limit = (): unknown => cgroup.apply({ memory: { limit: 8 * MiB } });
    assert.throws(
      limit,
      /^linux\.resources\.memory\.limit can't be set: cgroup .* does not have the memory controller/,
    );
    assert.is(codeOf(limit), 'UNSUPPORTED');
    cgroup.apply({ memory: { limit: 0 }, cpu: { shares: 0 } });
  }),
);

v2.run();
