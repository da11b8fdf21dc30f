import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cgroup, CgroupLocation } from '../../ts/cgroup/cgroup.js';
import { detectCgroupLayout } from '../../ts/cgroup/layout.js';
import { locateCgroup } from '../../ts/cgroup/location.js';
import { openCgroup } from '../../ts/cgroup/open.js';
import { TsruncError } from '../../ts/errors.js';
import { loadNative } from '../../ts/native/addon.js';
import type { LinuxResources } from '../../ts/spec/types.js';
import { skipUnless } from '../support/skip.js';

const isRoot = process.geteuid?.() === 0;
const layout = detectCgroupLayout();
const native = loadNative();

type Version = CgroupLocation['version'];

/** A place for a test in the cgroups of a version, also as a part of a hybrid host's. Undefined when this host has none. */
function locate(version: Version, name = 'x'): CgroupLocation | undefined {
  if (layout.version === 'none') return undefined;
  const { directories } = locateCgroup(layout, 'unused', `/tsrunc-test-${process.pid}/${name}`);
  const { unified, ...others } = directories;
  if (version === 'v2')
    return unified === undefined ? undefined : { version, directories: { unified } };
  if (layout.version === 'v2' || (version === 'hybrid' && unified === undefined)) return undefined;
  return { version, directories: version === 'v1' ? others : directories };
}

/** Runs a test with a cgroup that isn't there yet, and makes sure that nothing of it stays. */
async function withCgroup(
  version: Version,
  body: (cgroup: Cgroup, location: CgroupLocation) => unknown,
): Promise<void> {
  const location = locate(version);
  assert.ok(location);
  const cgroup = openCgroup(location, native);
  try {
    await body(cgroup, location);
  } finally {
    await cgroup.remove();
    for (const directory of Object.values(location.directories)) {
      if (existsSync(dirname(directory))) rmdirSync(dirname(directory));
    }
  }
}

/** Starts a shell that joins the cgroup and only then goes on with `script`. */
function startIn(cgroup: Cgroup, script: string): ChildProcess {
  const child = spawn('sh', ['-c', `read go; ${script}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  for (const file of cgroup.joinFiles) writeFileSync(file, String(child.pid));
  if (cgroup.birthplace) writeFileSync(`${cgroup.birthplace}/cgroup.procs`, String(child.pid));
  child.stdin?.end('\n');
  return child;
}

/** The end of a process that some test expects, as code or signal. */
async function ending(child: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(child, 'exit');
  return code ?? signal;
}

/** Waits until a process says its first line. */
async function spoken(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [data] = await once(child.stdout, 'data');
  return String(data).trim();
}

/** The content of a file of the cgroup. */
function read({ directories }: CgroupLocation, hierarchy: string, file: string): string {
  const directory = Object.entries(directories).find(([name]) =>
    name.split(',').includes(hierarchy),
  )?.[1];
  assert.ok(directory, hierarchy);
  return readFileSync(join(directory, file), 'utf8').trim();
}

function codeOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof TsruncError, String(error));
    assert.is(error.stage, 'cgroup');
    return error.code;
  }
  throw new Error('it did not fail');
}

const gone = ({ directories }: CgroupLocation): boolean =>
  !Object.values(directories).some(existsSync);

skipUnless(layout.version !== 'none', 'cgroups')(test)('the layout is what is mounted', () => {
  assert.ok(layout.version !== 'none');
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const hierarchies =
    layout.version === 'v2'
      ? [{ ...layout, name: 'unified', controllers: [] }]
      : layout.hierarchies;
  for (const { mountpoint, own, controllers } of hierarchies) {
    const procs = readFileSync(join(mountpoint, own, 'cgroup.procs'), 'utf8').split('\n');
    assert.ok(procs.includes(String(process.pid)), mountpoint);
    assert.ok(membership.includes(`:${controllers.join(',')}:`));
  }
});

for (const version of ['v1', 'hybrid', 'v2'] as const) {
  const group = suite(version);
  const it = skipUnless(
    isRoot && locate(version) !== undefined,
    `root and cgroups ${version}`,
  )(group);

  it(`${version}: a new cgroup can be joined, and goes without a trace`, () =>
    withCgroup(version, async (cgroup, location) => {
      cgroup.create();
      assert.equal(cgroup.processes(), []);
      assert.is(cgroup.isFrozen(), false);
      const child = startIn(cgroup, 'echo in; exec sleep 1000');
      await spoken(child);
      assert.equal(cgroup.processes(), [child.pid]);
      const end = ending(child);
      cgroup.signalAll(15);
      assert.is(await end, 'SIGTERM');
      await cgroup.remove();
      assert.ok(gone(location));
      await cgroup.remove();
    }));

  it(`${version}: everything is signalled, sub-cgroups too`, () =>
    withCgroup(version, async (cgroup, location) => {
      cgroup.create();
      const sub = openCgroup(
        {
          version,
          directories: Object.fromEntries(
            Object.entries(location.directories).map(([name, path]) => [
              name,
              join(path, 'deep', 'sub'),
            ]),
          ),
        },
        native,
      );
      sub.create();
      const children = [
        startIn(cgroup, 'echo in; exec sleep 1000'),
        startIn(sub, 'echo in; exec sleep 1000'),
      ];
      await Promise.all(children.map(spoken));
      const pids = children.map(({ pid }) => pid ?? 0);
      assert.equal(cgroup.processes().sort(), pids.sort());
      const ends = Promise.all(children.map(ending));
      cgroup.signalAll(10);
      assert.equal(await ends, ['SIGUSR1', 'SIGUSR1']);
      await cgroup.remove();
      assert.ok(gone(location));
    }));

  it(`${version}: kill ends a family of processes`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      const child = startIn(
        cgroup,
        'for i in 1 2 3 4 5; do (trap "" TERM; sleep 1000) & done; echo in; wait',
      );
      await spoken(child);
      const end = ending(child);
      await cgroup.kill();
      assert.equal(cgroup.processes(), []);
      assert.is(await end, 'SIGKILL');
      await cgroup.kill();
    }));

  it(`${version}: kill ends processes that fork and exit all the time`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      const child = startIn(cgroup, 'f() { f & }; f; f; f');
      assert.is(await ending(child), 0);
      assert.ok(cgroup.processes().length > 0);
      await cgroup.kill();
      assert.equal(cgroup.processes(), []);
    }));

  it(`${version}: kill ends frozen processes, and those of a frozen sub-cgroup`, () =>
    withCgroup(version, async (cgroup, { directories }) => {
      cgroup.create();
      const child = startIn(cgroup, 'echo in; exec sleep 1000');
      await spoken(child);
      const [directory, file, value] =
        version === 'v2'
          ? [directories['unified'] ?? '', 'cgroup.freeze', '1']
          : [directories['freezer'] ?? '', 'freezer.state', 'FROZEN'];
      const sub = join(directory, 'sub');
      mkdirSync(sub);
      writeFileSync(join(sub, 'cgroup.procs'), String(child.pid));
      writeFileSync(join(sub, file), value);
      assert.is(cgroup.isFrozen(), false);
      writeFileSync(join(directory, file), value);
      assert.is(cgroup.isFrozen(), true);
      const end = ending(child);
      await cgroup.kill();
      assert.is(await end, 'SIGKILL');
    }));

  it(`${version}: remove kills what is left`, () =>
    withCgroup(version, async (cgroup, location) => {
      cgroup.create();
      const child = startIn(cgroup, 'sleep 1000 & echo in; wait');
      await spoken(child);
      const end = ending(child);
      await cgroup.remove();
      assert.ok(gone(location));
      assert.is(await end, 'SIGKILL');
    }));

  it(`${version}: a cgroup that is there is taken when it's empty, and only then`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      cgroup.create();
      const child = startIn(cgroup, 'echo in; exec sleep 1000');
      await spoken(child);
      assert.throws(() => cgroup.create(), /^container's cgroup .* is not empty: /);
      assert.is(
        codeOf(() => cgroup.create()),
        'INVALID_STATE',
      );
      const end = ending(child);
      cgroup.signalAll(9);
      await end;
    }));

  it(`${version}: a frozen cgroup is refused, also one frozen by its parent, and nothing stays`, () =>
    withCgroup(version, (cgroup, location) => {
      cgroup.create();
      const [hierarchy, file, values] =
        version === 'v2'
          ? (['unified', 'cgroup.freeze', ['1', '0']] as const)
          : (['freezer', 'freezer.state', ['FROZEN', 'THAWED']] as const);
      const directory = location.directories[hierarchy] ?? '';
      writeFileSync(join(directory, file), values[0]);
      assert.throws(() => cgroup.create(), /is frozen, itself or by a parent/);
      const below = locate(version, 'x/below');
      assert.ok(below);
      rmdirOthers(location, hierarchy);
      assert.is(
        codeOf(() => openCgroup(below, native).create()),
        'INVALID_STATE',
      );
      assert.ok(gone(below));
      assert.not.ok(
        Object.entries(location.directories).some(
          ([name, path]) => name !== hierarchy && existsSync(path),
        ),
      );
      writeFileSync(join(directory, file), values[1]);
    }));

  it(`${version}: device rules hold`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      cgroup.apply({ devices: [{ allow: false, access: 'rwm' }] });
      const child = startIn(
        cgroup,
        '(: < /dev/kmsg) && echo open || echo closed; : <> /dev/null && echo null',
      );
      const lines: string[] = [];
      child.stdout?.on('data', (data) => lines.push(...String(data).trim().split('\n')));
      await once(child, 'close');
      assert.equal(lines, ['closed', 'null']);
    }));

  group.run();
}

/** Removes the cgroups of all hierarchies but one. */
function rmdirOthers({ directories }: CgroupLocation, keep: string): void {
  for (const [name, directory] of Object.entries(directories))
    if (name !== keep) rmdirSync(directory);
}

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
    const limit = (): void => cgroup.apply({ memory: { limit: 8 * MiB } });
    assert.throws(
      limit,
      /^linux\.resources\.memory\.limit can't be set: cgroup .* does not have the memory controller/,
    );
    assert.is(codeOf(limit), 'UNSUPPORTED');
    cgroup.apply({ memory: { limit: 0 }, cpu: { shares: 0 } });
  }),
);

v2.run();
test.run();
