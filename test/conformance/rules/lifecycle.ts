import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bind } from '../config.js';
import { cgroupFolders, isAlive, namespaceOf } from '../host.js';
import { section } from '../rule.js';

/** A program that never ends by itself. */
const forever = 'echo up; exec sleep 1000';

const life = section('runtime.md#runtimeLifecycle', 'Lifecycle');

life.must(
  'environment',
  'create makes the environment: its namespaces and cgroups are there',
  async (t) => {
    const container = await t.create();
    const pid = await container.pid();
    for (const type of ['pid', 'net', 'ipc', 'uts', 'mnt'])
      assert.notEqual(namespaceOf(pid, type), namespaceOf('self', type), type);
    assert.notEqual(cgroupFolders(container.cgroup).length, 0, 'no cgroup was made');
  },
);

life.mustNot('program-before-start', 'the program does not run before start', async (t) => {
  const container = await t.create((config, bundle) => {
    mkdirSync(join(bundle, 'out'));
    config.mounts.push(bind(join(bundle, 'out'), '/data'));
    config.process.args = ['sh', '-c', 'echo ran >/data/ran; echo up'];
  });
  assert.ok(!existsSync(join(container.bundle, 'out/ran')));
  await container.start();
  assert.equal(await container.line(), 'up');
  assert.ok(existsSync(join(container.bundle, 'out/ran')));
});

life.mustNot('config-changes', 'a change of config.json after create has no effect', async (t) => {
  const container = await t.create((config) => {
    config.process.args = ['echo', 'as created'];
  });
  const file = join(container.bundle, 'config.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('as created', 'as changed'));
  await container.start();
  assert.equal(await container.line(), 'as created');
});

life.must('undo', 'delete undoes what create did: processes, cgroups, mounts', async (t) => {
  const container = await t.create();
  const pid = await container.pid();
  await container.kill('KILL');
  await container.stopped();
  await container.delete();
  assert.ok(!isAlive(pid), 'the process is still there');
  assert.deepEqual(cgroupFolders(container.cgroup), [], 'the cgroups are still there');
  assert.ok(
    !readFileSync('/proc/self/mountinfo', 'utf8').includes(container.bundle),
    'a mount is left',
  );
});

const errors = section('runtime.md#runtimeErrors', 'Errors');

errors.must(
  'nothing-left',
  'after an error the environment is as if it had never been tried',
  async (t) => {
    let cgroup = '';
    await t.refuses((config) => {
      cgroup = config.linux.cgroupsPath;
      config.mounts.push(bind('/nowhere/at/all', '/data'));
    });
    assert.deepEqual(cgroupFolders(cgroup), [], 'a cgroup is left');
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(t.folder), 'a mount is left');
  },
);

const scope = section('runtime.md#runtimeScopeContainer', 'Scope of a container');

scope.must('same-entity', 'who creates a container can use all operations on it', async (t) => {
  const container = await t.start(forever);
  assert.equal((await container.state()).status, 'running');
  await container.kill('KILL');
  await container.stopped();
  await container.delete();
});

const create = section('runtime.md#runtimeCreate', 'Create');

create.must('no-id', 'create without an id is an error', async (t) => {
  await t.fails(['create', '--bundle', t.bundle()]);
});

create.must('no-bundle', 'create with a bundle that is not there is an error', async (t) => {
  const id = t.id();
  await t.fails(['create', '--bundle', join(t.folder, 'nowhere'), id]);
  await t.fails(['state', id]);
});

create.must(
  'unique-id',
  'an id that is taken is an error and leaves its container as it is',
  async (t) => {
    const container = await t.create();
    const before = await container.state();
    await t.fails(['create', '--bundle', t.bundle(), container.id]);
    assert.deepEqual(await container.state(), before);
    assert.ok(isAlive(before.pid));
  },
);

for (const [name, id] of [
  ['empty', ''],
  ['slash', 'a/b'],
  ['dots', '..'],
] as const) {
  create.must(`invalid-id-${name}`, `the id "${id}" is an error`, async (t) => {
    await t.fails(['create', '--bundle', t.bundle(), '--', id]);
  });
}

create.must('properties', 'all properties but process are applied before start', async (t) => {
  const container = await t.create((config) => {
    config.hostname = 'conformed';
  });
  const pid = await container.pid();
  const root = `/proc/${pid}/root`;
  assert.ok(existsSync(join(root, 'dev/null')), 'the devices are there');
  assert.ok(!existsSync(join(root, container.bundle)), 'the root is changed');
});

create.mustNot(
  'cannot-apply',
  'no container is made when a property cannot be applied',
  async (t) => {
    await t.refuses((config) => {
      config.mounts.push({ destination: '/data', type: 'no-such-file-system', source: 'x' });
    });
  },
);

create.property('status', 'after create the status is "created"', async (t) => {
  assert.equal((await (await t.create()).state()).status, 'created');
});

const start = section('runtime.md#runtimeStart', 'Start');

start.must('no-id', 'start without an id is an error', async (t) => {
  await t.fails(['start']);
});

start.must('unknown', 'start of a container that is not there is an error', async (t) => {
  await t.fails(['start', t.id()]);
});

start.must('running', 'start of a running container is an error and has no effect', async (t) => {
  const container = await t.start(forever);
  const before = await container.state();
  await t.fails(['start', container.id]);
  assert.deepEqual(await container.state(), before);
  assert.equal(container.output, '', 'the program ran again');
});

start.must('stopped', 'start of a stopped container is an error and has no effect', async (t) => {
  const container = await t.start('echo once');
  await container.stopped();
  await t.fails(['start', container.id]);
  assert.equal((await container.state()).status, 'stopped');
  assert.equal(container.output, '', 'the program ran again');
});

start.must('program', 'start runs the program of process', async (t) => {
  assert.equal((await t.start('echo the program; exec sleep 1000')).firstLine, 'the program');
});

start.must('without-process', 'start without process is an error', async (t) => {
  const bundle = t.bundle((config) => {
    Reflect.deleteProperty(config, 'process');
  });
  const id = t.id();
  const { code } = await t.call(['create', '--bundle', bundle, id]);
  // Whether create takes it is another rule's affair.
  if (code === 0) await t.fails(['start', id]);
});

const kill = section('runtime.md#runtimeKill', 'Kill');

kill.must('no-id', 'kill without an id is an error', async (t) => {
  await t.fails(['kill']);
});

kill.must('unknown', 'kill of a container that is not there is an error', async (t) => {
  await t.fails(['kill', t.id(), 'KILL']);
});

kill.must('stopped', 'kill of a stopped container is an error and has no effect', async (t) => {
  const container = await t.start('echo once');
  await container.stopped();
  await t.fails(['kill', container.id, 'KILL']);
  assert.equal((await container.state()).status, 'stopped');
});

kill.must('created', 'a created container gets the signal', async (t) => {
  const container = await t.create();
  const pid = await container.pid();
  await container.kill('KILL');
  await container.stopped();
  assert.ok(!isAlive(pid));
});

kill.must('signal', 'the signal that is named is sent, by name or number', async (t) => {
  const container = await t.start(
    "trap 'echo USR1' USR1; trap 'echo USR2; exit' USR2; echo up; while :; do sleep 0.02; done",
  );
  await container.kill('USR1');
  assert.equal(await container.line(), 'USR1');
  await container.kill('12');
  assert.equal(await container.line(), 'USR2');
});

const remove = section('runtime.md#runtimeDelete', 'Delete');

remove.must('no-id', 'delete without an id is an error', async (t) => {
  await t.fails(['delete']);
});

remove.must('unknown', 'delete of a container that is not there is an error', async (t) => {
  await t.fails(['delete', t.id()]);
});

remove.must('created', 'delete of a created container is an error and has no effect', async (t) => {
  const container = await t.create();
  const before = await container.state();
  await t.fails(['delete', container.id]);
  assert.deepEqual(await container.state(), before);
});

remove.must('running', 'delete of a running container is an error and has no effect', async (t) => {
  const container = await t.start(forever);
  const before = await container.state();
  await t.fails(['delete', container.id]);
  assert.deepEqual(await container.state(), before);
  assert.ok(isAlive(before.pid));
});

remove.must('resources', 'delete removes what create made', async (t) => {
  const container = await t.start('echo once');
  await container.stopped();
  await container.delete();
  assert.ok(!(await container.exists()));
  assert.deepEqual(cgroupFolders(container.cgroup), []);
});

remove.mustNot('others-resources', 'delete keeps what create did not make', async (t) => {
  const data = join(t.folder, 'kept');
  mkdirSync(data);
  writeFileSync(join(data, 'file'), 'kept');
  const owner = await t.start(forever);
  const file = `/proc/${await owner.pid()}/ns/net`;
  const container = await t.start('echo once', (config) => {
    config.mounts.push(bind(data, '/data', 'rw'));
    const network = config.linux.namespaces.find(({ type }) => type === 'network');
    if (network) network.path = file;
  });
  await container.stopped();
  await container.delete();
  assert.equal(readFileSync(join(data, 'file'), 'utf8'), 'kept');
  assert.ok(existsSync(join(container.bundle, 'rootfs/bin/busybox')), 'the bundle is kept');
  assert.ok(isAlive(await owner.pid()), 'the namespace’s owner lives');
});

remove.property('id-again', 'the id of a deleted container can be used again', async (t) => {
  const container = await t.start('echo once');
  await container.stopped();
  await container.delete();
  await t.ok(['run', '--bundle', t.bundle(), container.id]);
});

export const sections = [scope, life, errors, create, start, kill, remove];
