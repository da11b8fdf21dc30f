import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, mapUsers } from '../config.js';
import type { Context } from '../context.js';
import { cgroupFolder, cgroupFolders, cgroupVersion, hasController, hierarchies } from '../host.js';
import { section } from '../rule.js';

const path = section('config-linux.md#configLinuxCgroupsPath', 'Cgroups path');

/** The cgroup of a process in the hierarchy of a controller. */
function cgroupOf(pid: number, controller: string): string | undefined {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const found = lines
    .map((line) => line.split(':'))
    .find(([, names]) =>
      cgroupVersion === 2 ? names === '' : names?.split(',').includes(controller),
    );
  return found?.slice(2).join(':');
}

path.must('absolute', 'an absolute path is relative to the cgroups’ mount point', async (t) => {
  const container = await t.create();
  const pid = await container.pid();
  for (const folder of cgroupFolders(container.cgroup)) assert.ok(existsSync(folder));
  assert.equal(cgroupOf(pid, 'memory'), container.cgroup);
  assert.equal(cgroupOf(pid, 'pids'), container.cgroup);
});

path.property('made', 'the cgroups are made, also several levels of them', async (t) => {
  const container = await t.create((config) => {
    config.linux.cgroupsPath = t.cgroup('one/two/three');
  });
  assert.ok(existsSync(cgroupFolder('pids', container.cgroup)));
});

path.may('relative', 'a relative path is accepted', async (t) => {
  const name = t.cgroup('relative').slice(1);
  const container = await t.create((config) => {
    config.linux.cgroupsPath = name;
  });
  assert.ok(cgroupOf(await container.pid(), 'pids')?.endsWith(name));
});

path.must('consistent', 'the same path is the same place each time', async (t) => {
  const places: (string | undefined)[] = [];
  const name = t.cgroup('again').slice(1);
  for (let i = 0; i < 2; ++i) {
    const container = await t.create((config) => {
      config.linux.cgroupsPath = name;
    });
    places.push(cgroupOf(await container.pid(), 'pids'));
    await container.delete('--force');
  }
  assert.equal(places[0], places[1]);
});

path.may('default', 'without a path the container still has a cgroup of its own', async (t) => {
  const container = await t.create((config) => Reflect.deleteProperty(config.linux, 'cgroupsPath'));
  const place = cgroupOf(await container.pid(), 'pids');
  assert.notEqual(place, cgroupOf(process.pid, 'pids'));
  await container.delete('--force');
  assert.ok(!existsSync(cgroupFolder('pids', place ?? '')));
});

path.must('invalid', 'a path that leads out of the cgroups is an error', async (t) => {
  const name = t.cgroup('x').slice(1);
  const { code } = await t.run('true', (config) => {
    config.linux.cgroupsPath = `/../../../${name}`;
  });
  assert.ok(code !== 0 || !existsSync(join(dirname(hierarchies.get('memory') ?? '/'), '..', name)));
});

path.property('processes', 'all processes of the container are in it', async (t) => {
  const container = await t.start('sleep 1000 & echo up; wait');
  const procs = readFileSync(join(cgroupFolder('pids', container.cgroup), 'cgroup.procs'), 'utf8');
  assert.equal(procs.trim().split('\n').length, 2);
});

const general = section('config-linux.md#configLinuxControlGroups', 'Control groups');

general.must(
  'frozen',
  'create in a frozen cgroup is an error, or works: it does not hang',
  async (t) => {
    t.needs(cgroupVersion === 2 || hasController('freezer'), 'the freezer');
    const cgroup = t.cgroup('frozen');
    const folder = cgroupFolder('freezer', cgroup);
    const [file, on, off] =
      cgroupVersion === 2 ? ['cgroup.freeze', '1', '0'] : ['freezer.state', 'FROZEN', 'THAWED'];
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, file), on);
    t.defer(() => writeFileSync(join(folder, file), off));
    const bundle = t.bundle((config) => {
      config.linux.cgroupsPath = cgroup;
    });
    const outcome = await t.call(['create', '--bundle', bundle, t.id()], { timeout: 5 });
    assert.ok(!outcome.timedOut, 'create hung');
  },
);

general.must(
  'non-empty',
  'if a cgroup in use is refused, it is an error; its process stays',
  async (t) => {
    const owner = await t.start('echo up; exec sleep 1000');
    const bundle = t.bundle((config) => {
      config.linux.cgroupsPath = owner.cgroup;
    });
    const id = t.id();
    const outcome = await t.call(['create', '--bundle', bundle, id]);
    assert.ok(!outcome.timedOut && outcome.signal === null);
    if (outcome.code === 0) await t.call(['delete', '--force', id]);
    else assert.notEqual((await t.call(['state', id])).code, 0);
    if (outcome.code !== 0) assert.equal((await owner.state()).status, 'running');
  },
);

const ownership = section('config-linux.md#cgroup-ownership', 'Cgroup ownership');

/** Of a container whose user is 100000 on the host. */
const withCgroupMount =
  (...options: string[]) =>
  (config: Config): void => {
    mapUsers(config);
    config.linux.namespaces.push({ type: 'cgroup' });
    config.mounts.push({
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options,
    });
  };

ownership.shouldNot('v1', 'with cgroup v1 the owner is not changed', async (t) => {
  t.needs(cgroupVersion === 1, 'cgroup v1');
  const container = await t.create(withCgroupMount('rw'));
  for (const folder of cgroupFolders(container.cgroup))
    assert.equal(statSync(folder).uid, 0, folder);
});

ownership.should(
  'v2-rw',
  'with cgroup v2, mounted read-write, the owner is the container’s',
  async (t) => {
    t.needs(cgroupVersion === 2, 'cgroup v2');
    const container = await t.create(withCgroupMount('rw'));
    const folder = cgroupFolder('unified', container.cgroup);
    const delegated = existsSync('/sys/kernel/cgroup/delegate')
      ? readFileSync('/sys/kernel/cgroup/delegate', 'utf8').trim().split('\n')
      : ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];
    assert.equal(statSync(folder).uid, 100_000);
    for (const name of readdirSync(folder)) {
      if (statSync(join(folder, name)).isDirectory()) continue;
      assert.equal(statSync(join(folder, name)).uid, delegated.includes(name) ? 100_000 : 0, name);
    }
  },
);

for (const [name, change] of Object.entries({
  'v2-ro': withCgroupMount('ro'),
  'v2-none': mapUsers,
})) {
  ownership.shouldNot(
    name,
    `with cgroup v2, mounted ${name.slice(3)}, the owner is not changed`,
    async (t) => {
      t.needs(cgroupVersion === 2, 'cgroup v2');
      const container = await t.create((config) => change(config));
      assert.equal(statSync(cgroupFolder('unified', container.cgroup)).uid, 0);
    },
  );
}

const allowed = section('config-linux.md#configLinuxDeviceAllowedlist', 'Allowed device list');

/** A device that no runtime allows of itself, and that anybody who is root may open. */
function special(t: Context): { major: number; minor: number } {
  const path = ['/dev/fuse', '/dev/loop-control'].find((each) => existsSync(each));
  const number =
    path === undefined ? t.skip('wants /dev/fuse or /dev/loop-control') : statSync(path).rdev;
  return { major: (number >> 8) & 0xfff, minor: number & 0xff };
}

/** Whether the list lets the container read from and write to that device. */
async function may(t: Context, ...list: object[]): Promise<string> {
  const device = { path: '/dev/x', type: 'c', ...special(t) };
  const script =
    '(: </dev/x) 2>/dev/null && echo read; (: >/dev/x) 2>/dev/null && echo write; true';
  const said = await t.inside(script, (config) => {
    config.linux.devices = [device];
    config.linux.resources.devices = list;
  });
  return said.replaceAll('\n', ' ');
}

const nothing = { allow: false, access: 'rwm' };
const cases: readonly [
  name: string,
  text: string,
  list: (device: object) => object[],
  expected: string,
][] = [
  [
    'allow',
    'what is allowed can be done',
    (device) => [nothing, { allow: true, type: 'c', ...device, access: 'rw' }],
    'read write',
  ],
  [
    'access-r',
    'access r is reading',
    (device) => [nothing, { allow: true, type: 'c', ...device, access: 'r' }],
    'read',
  ],
  [
    'access-w',
    'access w is writing',
    (device) => [nothing, { allow: true, type: 'c', ...device, access: 'w' }],
    'write',
  ],
  ['deny', 'what nobody allows cannot be done', () => [nothing], ''],
  [
    'order',
    'entries are applied in the listed order',
    (device) => [
      nothing,
      { allow: true, type: 'c', ...device, access: 'rw' },
      { allow: false, type: 'c', ...device, access: 'w' },
    ],
    'read',
  ],
  [
    'order-reverse',
    'a later entry allows what an earlier one forbade',
    (device) => [
      nothing,
      { allow: false, type: 'c', ...device, access: 'rw' },
      { allow: true, type: 'c', ...device, access: 'w' },
    ],
    'write',
  ],
  [
    'wildcard',
    'without numbers an entry is for all devices of its type',
    () => [nothing, { allow: true, type: 'c', access: 'r' }],
    'read',
  ],
  [
    'type',
    'an entry for block devices is not for others',
    () => [nothing, { allow: true, type: 'b', access: 'rw' }],
    '',
  ],
  [
    'type-a',
    'type a, or none, is for all',
    () => [nothing, { allow: true, access: 'rwm' }],
    'read write',
  ],
];
for (const [name, text, list, expected] of cases) {
  const add = name.startsWith('order') ? allowed.must : allowed.property;
  add(name, text, async (t) => {
    t.needs(cgroupVersion === 2 || hasController('devices'), 'the devices controller');
    assert.equal(await may(t, ...list(special(t))), expected);
  });
}

allowed.property(
  'defaults',
  'the default devices can be used whatever the list says',
  async (t) => {
    await t.inside('echo x >/dev/null; head -c 1 /dev/zero >/dev/null', (config) => {
      config.linux.resources.devices = [nothing];
    });
  },
);

export const sections = [general, path, ownership, allowed];
