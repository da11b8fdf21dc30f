import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { namespaceOf } from '../host.js';
import { section } from '../rule.js';

const query = section('runtime.md#runtimeQueryState', 'Query state');

query.must('no-id', 'state without an id is an error', async (t) => {
  await t.fails(['state']);
});

query.must('unknown', 'state of a container that is not there is an error', async (t) => {
  await t.fails(['state', t.id()]);
});

const state = section('runtime.md#runtimeState', 'State');

/** Semantic Versioning 2.0.0. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?$/;

state.must('schema', 'the required properties are there, each of its type', async (t) => {
  const container = await t.create();
  const found = await container.state();
  assert.match(found.ociVersion, semver);
  assert.equal(found.id, container.id);
  assert.ok(['creating', 'created', 'running', 'stopped'].includes(found.status), found.status);
  assert.ok(Number.isInteger(found.pid) && found.pid >= 0);
  assert.ok(found.annotations === undefined || typeof found.annotations === 'object');
});

state.property('status-created', '"created" after create', async (t) => {
  assert.equal((await (await t.create()).state()).status, 'created');
});

state.property('status-running', '"running" while the program runs', async (t) => {
  const container = await t.start('echo up; exec sleep 1000');
  assert.equal((await container.state()).status, 'running');
});

state.property('status-stopped', '"stopped" once the process has exited', async (t) => {
  const container = await t.start('echo up');
  await container.stopped();
});

state.property(
  'status-stopped-unstarted',
  '"stopped" when it is killed before start',
  async (t) => {
    const container = await t.create();
    await container.kill('KILL');
    await container.stopped();
  },
);

state.property(
  'status-creating',
  'hooks of create see "creating" (or "created" once it is done)',
  async (t) => {
    const file = join(t.folder, 'state.json');
    await t.create((config) => {
      config.hooks.createRuntime = [{ path: '/bin/sh', args: ['sh', '-c', `cat >${file}`] }];
    });
    assert.match(JSON.parse(readFileSync(file, 'utf8')).status, /^creat(ing|ed)$/);
  },
);

state.must('pid', 'pid is the container process, as the runtime sees it', async (t) => {
  const container = await t.start('readlink /proc/self/ns/pid; exec sleep 1000');
  const pid = await container.pid();
  assert.equal(namespaceOf(pid, 'pid'), container.firstLine);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(
    status,
    new RegExp(`^NSpid:\\s+${pid}\\s+1$`, 'm'),
    'it is the first of its namespace',
  );
});

state.must('pid-created', 'the pid is there while the container is created', async (t) => {
  const pid = await (await t.create()).pid();
  assert.ok(pid > 0 && existsSync(`/proc/${pid}`));
});

state.must(
  'bundle',
  'bundle is absolute, also when create was given a relative path',
  async (t) => {
    const bundle = t.bundle();
    const id = t.id();
    await t.ok(['create', '--bundle', basename(bundle), id], { cwd: dirname(bundle) });
    assert.equal(JSON.parse(await t.ok(['state', id])).bundle, bundle);
  },
);

state.property('annotations', 'the annotations of config.json are in the state', async (t) => {
  const container = await t.create((config) => {
    config.annotations = { 'com.example.key': 'value', 'com.example.empty': '' };
  });
  const found = (await container.state()).annotations ?? {};
  assert.equal(found['com.example.key'], 'value');
  assert.equal(found['com.example.empty'], '');
});

state.must('unique', 'two containers have ids and processes of their own', async (t) => {
  const [one, two] = [await t.create(), await t.create()];
  assert.notEqual(await one.pid(), await two.pid());
  assert.equal((await one.state()).id, one.id);
  assert.equal((await two.state()).id, two.id);
});

const bundle = section('bundle.md#containerFormat', 'Filesystem bundle');

bundle.must('config-missing', 'a bundle without config.json is an error', async (t) => {
  const folder = join(t.folder, 'no-config');
  mkdirSync(join(folder, 'rootfs'), { recursive: true });
  await t.fails(['create', '--bundle', folder, t.id()]);
});

bundle.must('config-place', 'config.json is read from the root of the bundle', async (t) => {
  const made = t.bundle();
  const above = join(t.folder, 'above');
  mkdirSync(above);
  await t.fails(['create', '--bundle', dirname(made), t.id()]);
  await t.ok(['run', '--bundle', made, t.id()]);
});

bundle.property('default', 'without --bundle the bundle is the working directory', async (t) => {
  await t.ok(['run', t.id()], { cwd: t.bundle() });
});

bundle.property('root', 'root.path is looked up in the bundle', async (t) => {
  const container = await t.create();
  const pid = await container.pid();
  assert.equal(readlinkSync(`/proc/${pid}/root/bin/sh`), 'busybox');
});

const json = section('glossary.md#glossaryJson', 'JSON');

json.must('utf-8', 'config.json is UTF-8', async (t) => {
  const text = 'ünïcödé ✓ 𝄞';
  const printed = await t.inside('echo "$TEXT"', (config) => {
    config.process.env.push(`TEXT=${text}`);
  });
  assert.equal(printed, text);
});

json.must('invalid', 'what is no JSON is an error', async (t) => {
  const made = t.bundle();
  t.writeConfig(made, '{"ociVersion": "1.0.2",');
  await t.fails(['create', '--bundle', made, t.id()]);
});

json.property('order', 'the order of entries has no meaning', async (t) => {
  const made = t.bundle();
  const config = JSON.parse(readFileSync(join(made, 'config.json'), 'utf8'));
  t.writeConfig(made, JSON.stringify(Object.fromEntries(Object.entries(config).reverse())));
  await t.ok(['run', '--bundle', made, t.id()]);
});

export const sections = [state, query, bundle, json];
