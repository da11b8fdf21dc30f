import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { type Container, Lab, type Mutate } from '../support/lab.js';
import { gone } from '../support/processes.js';

const lab = new Lab();
const native = loadNative();

/** A process that lives until it is told to end, and ends with the signal's number as its status. */
const sleeper: Mutate = (spec) => {
  spec.process.args = [
    'sh',
    '-c',
    'trap "exit 15" TERM; trap "exit 10" USR1; echo ready; while :; do sleep 1000 & wait; done',
  ];
};

/** Starts a container and waits until it is ready for signals. */
function running(mutate: Mutate = () => {}): Container {
  return lab.start(
    lab.bundle((spec, folder) => {
      sleeper(spec, folder);
      mutate(spec, folder);
    }),
  );
}

test('create writes the pid, and the program does not run before start', () => {
  const bundle = lab.bundle(
    (spec) => {
      spec.process.args = ['sh', '-c', 'echo ran > /marker'];
    },
    { rootfs: 'private' },
  );
  const marker = join(bundle, 'rootfs/marker');
  const pidFile = join(lab.folder, 'pid');
  const { id, pid } = lab.create(bundle, '--pid-file', pidFile);
  assert.is(readFileSync(pidFile, 'utf8'), String(pid));
  assert.ok(existsSync(`/proc/${pid}`));
  assert.is(lab.state(id).status, 'created');
  assert.not(existsSync(marker));

  const ended = gone(native, pid);
  lab.ok(['start', id]);
  return ended.then(() => {
    assert.is(readFileSync(marker, 'utf8'), 'ran\n');
    assert.is(lab.state(id).status, 'stopped');
    lab.ok(['delete', id]);
    assert.match(lab.fails(['state', id]), 'does not exist');
  });
});

test('without process a container is created, entered and deleted, and start and run say why they are errors', () => {
  const bundle = lab.bundle((spec) => {
    Reflect.deleteProperty(spec, 'process');
  });
  assert.match(lab.fails(['run', '--bundle', bundle, lab.name()]), 'config.json has no process');
  const { id } = lab.create(bundle);
  assert.match(lab.fails(['start', id]), 'config.json has no process');
  assert.is(lab.state(id).status, 'created');
  assert.is(lab.ok(['exec', '--env', 'PATH=/bin', id, 'sh', '-c', 'pwd; id -u']), '/\n0\n');
  lab.ok(['delete', id]);
});

test('state has the shape of the specification, and what runc adds', () => {
  const { id, pid, bundle } = running((spec) => {
    spec.annotations = { 'org.example.key': 'value' };
  });
  const state = lab.state(id);
  assert.equal(Object.keys(state), [
    'ociVersion',
    'id',
    'pid',
    'status',
    'bundle',
    'rootfs',
    'created',
    'annotations',
    'owner',
  ]);
  const { created, rootfs, ...others } = state;
  assert.equal(others, {
    ociVersion: '1.3.0',
    id,
    pid,
    status: 'running',
    bundle,
    annotations: { 'org.example.key': 'value' },
    owner: userInfo().username,
  });
  assert.match(String(rootfs), /^\/.*rootfs$/);
  assert.match(String(created), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  lab.ok(['delete', '--force', id]);
});

for (const [signal, status] of [
  ['TERM', 15],
  ['SIGUSR1', 10],
  ['10', 10],
  [undefined, 15],
] as const) {
  test(`kill sends ${signal ?? 'SIGTERM when no signal is named'}`, async () => {
    const { id, pid } = running();
    const pidfd = native.openPidfd(pid);
    // Its parent was the command, so it has come to this process, which is a subreaper.
    const exit = native.waitExit(pidfd);
    lab.ok(['kill', id, ...(signal === undefined ? [] : [signal])]);
    assert.equal(await exit, { code: status });
    native.close(pidfd);
    assert.is(lab.state(id).status, 'stopped');
    assert.is(lab.state(id).pid, 0);
    lab.ok(['delete', id]);
  });
}

test('what the state of a container forbids is refused', () => {
  const { id, bundle } = running();
  assert.is(
    lab.fails(['delete', id]),
    `tsrunc delete: cannot delete container ${id} that is not stopped: running`,
  );
  assert.match(
    lab.fails(['start', id]),
    /^tsrunc start: cannot start a container that has been started/,
  );
  assert.match(
    lab.fails(['create', '--bundle', bundle, id]),
    /container with given ID already exists/,
  );
  assert.match(
    lab.fails(['run', '--bundle', bundle, id]),
    /container with given ID already exists/,
  );
  assert.is(lab.state(id).status, 'running', 'and nothing has happened to the first one');
  lab.ok(['delete', '--force', id]);
  assert.match(lab.fails(['state', id]), 'does not exist');
});

test('a container that has stopped can be neither started nor killed, but --all is no error', async () => {
  const { id, pid } = running();
  const ended = gone(native, pid);
  lab.ok(['kill', id, 'KILL']);
  await ended;
  assert.match(lab.fails(['start', id]), 'cannot start a stopped container');
  assert.match(lab.fails(['kill', id, 'KILL']), 'container not running');
  lab.ok(['kill', '--all', id, 'KILL']);
  lab.ok(['delete', id]);
});

test('a command on a container that does not exist says so; delete --force does not mind', () => {
  for (const command of ['state', 'start', 'kill', 'delete']) {
    assert.is(lab.fails([command, 'nobody']).includes('container does not exist'), true, command);
  }
  lab.ok(['delete', '--force', 'nobody']);
});

test('kill --all reaches every process of a container that shares the pid namespace of the host', async () => {
  const bundle = lab.bundle((spec) => {
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
    spec.mounts = spec.mounts.filter(({ type }) => type !== 'proc');
    spec.linux.maskedPaths = [];
    spec.linux.readonlyPaths = [];
    spec.process.args = ['sh', '-c', 'sleep 1000 & echo ready; sleep 1000'];
  });
  const { id, pid } = lab.start(bundle);
  const ended = gone(native, pid);
  lab.ok(['kill', '--all', id, 'KILL']);
  await ended;
  lab.ok(['delete', id]);
});

test('list prints a table, JSON and names', () => {
  const first = running();
  const second = lab.create(lab.bundle());
  const states = [lab.state(first.id), lab.state(second.id)].sort((a, b) =>
    String(a['id']).localeCompare(String(b['id'])),
  );
  assert.equal(JSON.parse(lab.ok(['list', '--format', 'json'])), states);
  assert.equal(lab.ok(['list', '-q']), states.map(({ id }) => `${id}\n`).join(''));
  const [head = '', ...rows] = lab.ok(['list']).trimEnd().split('\n');
  assert.equal(head.split(/\s+/), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']);
  assert.equal(
    rows.map((row) => row.split(/\s+/).slice(0, 3)),
    states.map(({ id, pid, status }) => [id, String(pid), status]),
  );
  for (const { id } of [first, second]) lab.ok(['delete', '--force', id]);
});

test('run --detach returns when the program runs; run --keep leaves the stopped container', () => {
  const detached = lab.name();
  lab.ok(['run', '--detach', '--bundle', lab.bundle(sleeper), detached]);
  assert.is(lab.state(detached).status, 'running');
  lab.ok(['delete', '--force', detached]);

  const kept = lab.name();
  lab.ok(['run', '--keep', '--bundle', lab.bundle(), kept]);
  assert.is(lab.state(kept).status, 'stopped');
  lab.ok(['delete', kept]);
});

test('run deletes its container when the program has ended', () => {
  const id = lab.name();
  lab.ok(['run', '--bundle', lab.bundle(), id]);
  assert.match(lab.fails(['state', id]), 'does not exist');
});

test('a created container is deleted without a start', () => {
  const { id, pid } = lab.create(lab.bundle());
  lab.ok(['delete', id]);
  assert.not(lab.traces().some((trace) => trace.includes(String(pid))));
});

for (const id of ['', '.', '..', 'a/b', '../x', 'a b', 'ä', 'a'.repeat(2000), 'a\n']) {
  test(`${JSON.stringify(id.slice(0, 20))} is no name for a container`, () => {
    const bundle = lab.bundle();
    lab.fails(['create', '--bundle', bundle, '--', id]);
  });
}

test('a process that was killed from outside is stopped, also as a zombie', () => {
  const { id, pid } = running();
  // This process is its parent now and doesn't reap it: it stays a zombie.
  process.kill(pid, 'SIGKILL');
  return gone(native, pid).then(() => {
    assert.match(readFileSync(`/proc/${pid}/stat`, 'latin1'), /\) Z /);
    const { status, pid: shown } = lab.state(id);
    assert.equal({ status, shown }, { status: 'stopped', shown: 0 });
    lab.ok(['delete', id]);
  });
});

test('another process with the same pid is not taken for the container', () => {
  const { id, pid } = running();
  const file = join(lab.root, id, 'state.json');
  const stored = JSON.parse(readFileSync(file, 'utf8'));
  stored.init = { pid: process.pid, startTime: '1' };
  writeFileSync(file, JSON.stringify(stored));
  assert.is(lab.state(id).status, 'stopped');
  assert.match(lab.fails(['kill', id, 'KILL']), 'container not running');
  lab.ok(['delete', '--force', id]);
  // What is in its cgroup goes nevertheless, and nothing else does.
  assert.not(lab.traces().some((trace) => trace.includes(String(pid))));
});

lab.finish(test);
