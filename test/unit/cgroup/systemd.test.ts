import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CgroupLayout } from '../../../ts/cgroup/cgroup.js';
import type { Limit } from '../../../ts/cgroup/limits.js';
import { annotatedProperties } from '../../../ts/cgroup/systemd/annotations.js';
import { flag, list, Manager, number, text, whole } from '../../../ts/cgroup/systemd/bus.js';
import { deviceProperties, limitProperties } from '../../../ts/cgroup/systemd/properties.js';
import { locateScope, scopeNames, slicePath } from '../../../ts/cgroup/systemd/unit.js';
import type { BusAnswer } from '../../../ts/native/native.js';

const test = suite('cgroup/systemd');

test('the names of a scope and its slice', () => {
  const of = (path: string | undefined, user = false) => {
    const { slice, unit } = scopeNames('id', path, user);
    return `${slice}/${unit}`;
  };
  assert.is(of(undefined), 'system.slice/tsrunc-id.scope');
  assert.is(of('', true), 'user.slice/tsrunc-id.scope');
  assert.is(of('a-b.slice:p:n'), 'a-b.slice/p-n.scope');
  assert.is(of('::n'), 'system.slice/n.scope');
  assert.is(of(':cri-containerd:0123'), 'system.slice/cri-containerd-0123.scope');
  for (const path of ['/a/b', 'name', 'a:b:c:d', ':x:y z', ':x:n.slice', ':x:ä'])
    assert.throws(() => of(path), /linux\.cgroupsPath/, path);
});

test('a slice lies in those that its name begins with', () => {
  assert.is(slicePath('a-b-c.slice'), 'a.slice/a-b.slice/a-b-c.slice');
  assert.is(slicePath('-.slice'), '');
  for (const slice of ['a', 'a--b.slice', '-a.slice', 'a-.slice', '../a.slice', 'a/b.slice'])
    assert.throws(() => slicePath(slice), /slice/, slice);
});

test('the scope is in every hierarchy, below what its manager has', () => {
  const names = { slice: 'a.slice', unit: 'x.scope' };
  const v2: CgroupLayout = { version: 'v2', mountpoint: '/cg', own: '/me', controllers: [] };
  assert.is(
    locateScope(v2, names, '/user.slice/user@1.service', true).directories['unified'],
    '/cg/user.slice/user@1.service/a.slice/x.scope',
  );
  const hierarchies = ['memory', 'unified'].map((name) => ({
    name,
    controllers: [],
    mountpoint: `/cg/${name}`,
    own: '/me',
  }));
  assert.equal(locateScope({ version: 'hybrid', hierarchies }, names, '', false), {
    version: 'hybrid',
    directories: { memory: '/cg/memory/a.slice/x.scope', unified: '/cg/unified/a.slice/x.scope' },
    systemd: { ...names, user: false },
  });
});

const limits = (files: Readonly<Record<string, string>>): Limit[] =>
  Object.entries(files).map(([file, value]) => ({ name: file, file, value }));
const INFINITY = 2n ** 64n - 1n;

test('limits that systemd has properties for', () => {
  const of = (files: Readonly<Record<string, string>>, version: 'v1' | 'v2') =>
    Object.fromEntries(limitProperties(limits(files), version));
  assert.equal(
    of({ 'memory.max': 'max', 'cpu.max': '50001 100000', 'pids.max': '3', 'io.weight': '7' }, 'v2'),
    {
      MemoryMax: number(INFINITY),
      TasksMax: number(3),
      IOWeight: number(7),
      CPUQuotaPeriodUSec: number(100_000),
      // 50.001 %, rounded up.
      CPUQuotaPerSecUSec: number(510_000),
    },
  );
  assert.equal(of({ 'cpu.cfs_quota_us': '-1', 'cpuset.cpus': '0' }, 'v1'), {
    CPUQuotaPerSecUSec: number(INFINITY),
  });
  assert.equal(of({ 'cpuset.cpus': '0-1,9' }, 'v2'), {
    AllowedCPUs: list('y', [whole('y', 3), whole('y', 2)]),
  });
  assert.equal(of({ 'memory.swappiness': '7', 'hugetlb.2MB.max': '0' }, 'v2'), {});
});

test('devices are systemd’s affair where it can say what is meant', () => {
  const policy = (rules: Parameters<typeof deviceProperties>[0]) =>
    Object.fromEntries(deviceProperties(rules))['DevicePolicy'];
  assert.equal(policy([{ allow: false }]), text('strict'));
  assert.equal(
    policy([{ allow: false }, { allow: true, type: 'c', major: 10, minor: 1 }]),
    text('strict'),
  );
  assert.equal(policy([{ allow: true }]), text('auto'));
  assert.equal(
    policy([{ allow: false }, { allow: true, type: 'c' }, { allow: false, type: 'c', major: 1 }]),
    text('auto'),
  );
});

test('annotations in GVariant’s text format', () => {
  const of = (value: string, name = 'Some') =>
    annotatedProperties({ [`org.systemd.property.${name}`]: value, other: 'x' })[0];
  assert.equal(of('true'), ['Some', flag(true)]);
  assert.equal(of("'it\\'s'"), ['Some', text("it's")]);
  assert.equal(of('-7'), ['Some', whole('i', -7)]);
  assert.equal(of('uint64 18446744073709551615'), ['Some', number(INFINITY)]);
  assert.equal(of('@y 255'), ['Some', whole('y', 255)]);
  assert.equal(of(`['a, b', "c"]`), ['Some', list('s', [text('a, b'), text('c')])]);
  assert.equal(of('1.5', 'TimeoutStopSec'), ['TimeoutStopUSec', number(1_500_000)]);
  assert.equal(of('uint64 5', 'RuntimeMaxUSec'), ['RuntimeMaxUSec', number(5)]);
  for (const value of [
    '',
    'x',
    "'open",
    '[',
    '[]',
    "[1, 'a']",
    '2147483648',
    'byte 256',
    'uint64 -1',
    '{}',
  ])
    assert.throws(() => of(value), /org\.systemd\.property\.Some/, value);
  for (const name of ['', 'some', 'So-me', 'Some1']) assert.throws(() => of('1', name), /property/);
});

test('a process is put below the cgroup of a unit', async () => {
  const calls: unknown[] = [];
  const answers: BusAnswer[] = [{ result: '' }, { error: 'x.NoSuchUnit', message: 'Unit gone.' }];
  const native = {
    callSystemd: async (...call: unknown[]) => {
      calls.push(call);
      return answers.shift() ?? {};
    },
    systemdProperty: async () => ({}),
  };
  const attach = () => new Manager(native, true).attachProcess('x.scope', '/sub', 7);
  await attach();
  const processes = [['(', 'a', 'u'], ['u', 7n], [')']];
  const message = [['s', 'x.scope'], ['s', '/sub'], ...processes];
  assert.equal(calls, [[true, 'AttachProcessesToUnit', message, false]]);
  const said = await attach().then(String, String);
  assert.match(said, /the user's systemd could not move a process into x\.scope: Unit gone\./);
});

test('what systemd or the bus refuse is one sentence with what to do', async () => {
  const saying = (...answers: BusAnswer[]) => {
    const next = async () => answers.shift() ?? { result: 'done' };
    return new Manager({ callSystemd: next, systemdProperty: next }, false);
  };
  const error = (name: string, message: string) => ({ error: name, message });
  const failure = (act: Promise<unknown>) =>
    act.then(
      () => '',
      (reason) => reason.message,
    );
  const exists = error('org.freedesktop.systemd1.UnitExists', 'Unit x.scope already exists.');
  assert.match(
    await failure(saying(exists, {}, exists).startScope('x.scope', [])),
    /could not start x\.scope: Unit x\.scope already exists\.: another container has it/,
  );
  assert.is(await failure(saying(exists).startScope('x.scope', [])), '');
  assert.match(
    await failure(saying({ result: 'failed' }).startScope('x.scope', [])),
    /ended with "failed"/,
  );
  assert.match(
    await failure(saying(error('dlopen', 'no such file')).controlGroup()),
    /install libsystemd/,
  );
  assert.match(
    await failure(saying(error('errno', 'Connection refused')).controlGroup()),
    /--cgroup-manager cgroupfs/,
  );
  assert.is(
    await failure(saying(error('org.freedesktop.systemd1.NoSuchUnit', 'x')).stopUnit('x')),
    '',
  );
});

test.run();
