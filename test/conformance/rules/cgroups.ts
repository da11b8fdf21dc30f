import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, mapUsers } from '../config.js';
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
  for (let i = 0; i < 2; ++i) {
    const container = await t.create((config) => {
      config.linux.cgroupsPath = t.cgroup('again').slice(1);
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
    const { mkdirSync, writeFileSync } = await import('node:fs');
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

/** Which of reading /dev/zero, reading /dev/x (1:11, kmsg) and making a node 1:5 the list allows. */
async function may(t: import('../context.js').Context, ...list: object[]): Promise<string> {
  const script = [
    'dd if=/dev/full bs=1 count=1 of=/tmp/x 2>/dev/null && echo read',
    '(: >/dev/full) 2>/dev/null && echo write',
    'mknod /tmp/node c 1 7 2>/dev/null && echo mknod',
  ];
  const said = await t.inside(`${script.join('; ')}; true`, (config) => {
    config.linux.resources.devices = list;
  });
  return said.replaceAll('\n', ' ');
}

const full = { type: 'c', major: 1, minor: 7 };
const rules: readonly [name: string, text: string, list: object[], expected: string][] = [
  [
    'allow',
    'what is allowed can be done',
    [
      { allow: false, access: 'rwm' },
      { allow: true, ...full, access: 'rwm' },
    ],
    'read write mknod',
  ],
  [
    'access',
    'access is a composition of r, w and m',
    [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'a', access: 'rwm' },
      { allow: false, ...full, access: 'wm' },
    ],
    'read',
  ],
  [
    'order',
    'entries are applied in the listed order',
    [
      { allow: false, access: 'rwm' },
      { allow: true, ...full, access: 'rwm' },
      { allow: false, ...full, access: 'w' },
    ],
    'read mknod',
  ],
  [
    'wildcard',
    'without numbers an entry is for all devices of its type',
    [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', access: 'rwm' },
    ],
    'read write mknod',
  ],
  [
    'type-a',
    'type a, or none, is for all',
    [
      { allow: false, access: 'rwm' },
      { allow: true, access: 'rwm' },
    ],
    'read write mknod',
  ],
];
for (const [name, text, list, expected] of rules) {
  const add = name === 'order' ? allowed.must : allowed.property;
  add(name, text, async (t) => {
    t.needs(cgroupVersion === 2 || hasController('devices'), 'the devices controller');
    assert.equal(await may(t, ...list), expected);
  });
}

allowed.property('deny', 'a device that nobody allows cannot be opened', async (t) => {
  t.needs(cgroupVersion === 2 || hasController('devices'), 'the devices controller');
  const said = await t.inside(
    'dd if=/dev/x bs=1 count=1 2>&1 | grep -o "Operation not permitted"',
    (config) => {
      config.linux.resources.devices = [{ allow: false, access: 'rwm' }];
      // The host's kernel log: no default device, and a node of it is made by the runtime.
      config.mounts.push({
        destination: '/dev/x',
        source: '/dev/kmsg',
        type: 'none',
        options: ['bind'],
      });
    },
  );
  assert.equal(said, 'Operation not permitted');
});

export const sections = [general, path, ownership, allowed];
