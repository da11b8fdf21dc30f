import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLONE_FLAGS } from '../../../ts/plan/kernel.js';
import { plan } from '../../../ts/plan/plan.js';
import { sysctlPath } from '../../../ts/spec/sysctl.js';
import type { Linux } from '../../../ts/spec/types.js';
import { ordinaryUser, requestFor, type Surroundings, smallSpec } from './fixture.js';

function planStage(linux: Linux, surroundings: Surroundings = {}) {
  return plan(requestFor(smallSpec({ linux }), surroundings)).stage;
}

test('every namespace that is made is in the flags of the one clone, but not the user namespace', () => {
  const types = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];
  const namespaces = types.map((type) => ({ type }));
  const stage = planStage({ namespaces });
  // sched.h's CLONE_NEW*: NS, CGROUP, UTS, IPC, PID, NET and TIME.
  const flags = 0x20000 + 0x2000000 + 0x4000000 + 0x8000000 + 0x20000000 + 0x40000000 + 0x80;
  assert.equal(stage.at(-1), { op: 'clone', flags });
  assert.is(stage.filter(({ op }) => op === 'createUserNamespace').length, 1);
});

test('the user namespace is joined last and the mount namespace before it', () => {
  const stage = planStage({
    namespaces: ['user', 'mount', 'pid', 'network'].map((type) => ({ type, path: `/ns/${type}` })),
  });
  const join = stage.find((operation) => operation.op === 'joinNamespaces');
  assert.ok(join?.op === 'joinNamespaces');
  assert.equal(join.files, ['/ns/pid', '/ns/network', '/ns/mount', '/ns/user']);
  assert.equal(join.types, [
    CLONE_FLAGS.pid,
    CLONE_FLAGS.network,
    CLONE_FLAGS.mount,
    CLONE_FLAGS.user,
  ]);
});

test('the root is entered before a new user namespace, and only in a mount namespace that is joined', () => {
  const order = (linux: Linux) => planStage(linux).map(({ op }) => op);
  const created = order({ namespaces: [{ type: 'mount' }, { type: 'user' }] });
  assert.ok(created.indexOf('enterRootfs') < created.indexOf('createUserNamespace'));
  const joined = order({ namespaces: [{ type: 'mount', path: '/ns/mount' }] });
  assert.ok(joined.indexOf('enterRootfs') > joined.indexOf('joinNamespaces'));
});

test('the root of a user namespace is 0 if that is mapped, else the first that is', () => {
  const root = (...ids: number[]) => {
    const mappings = ids.map((containerID) => ({ containerID, hostID: 100000, size: 1 }));
    const namespaces = [{ type: 'mount' }, { type: 'user' }];
    return planStage({ namespaces, uidMappings: mappings, gidMappings: mappings }).find(
      ({ op }) => op === 'becomeRoot',
    );
  };
  assert.equal(root(5, 0), { op: 'becomeRoot', uid: 0, gid: 0 });
  assert.equal(root(5, 7), { op: 'becomeRoot', uid: 5, gid: 5 });
});

test('init is hidden before it joins anything; from an ordinary user, as soon as its ids are mapped', () => {
  const order = (linux: Linux, surroundings?: Surroundings) =>
    planStage(linux, surroundings).map(({ op }) => op);
  const joined = order({
    namespaces: [{ type: 'mount' }, { type: 'network', path: '/ns/network' }],
  });
  assert.ok(joined.indexOf('setDumpable') < joined.indexOf('joinNamespaces'));
  const rootless = order(
    { namespaces: [{ type: 'mount' }, { type: 'user' }] },
    { host: ordinaryUser },
  );
  assert.ok(rootless.indexOf('setDumpable') > rootless.indexOf('createUserNamespace'));
  assert.ok(rootless.indexOf('setDumpable') < rootless.indexOf('clone'));
});

test('clocks are set in a time namespace of the user namespace, by a file opened before it', () => {
  const namespaces = ['mount', 'user', 'time'].map((type) => ({ type }));
  const timeOffsets = { monotonic: { secs: -3 }, boottime: { secs: 7n, nanosecs: 5 } };
  for (const host of [{}, ordinaryUser]) {
    const stage = planStage({ namespaces, timeOffsets }, { host });
    const names = stage.map(({ op }) => op);
    assert.ok(names.indexOf('openTimeOffsets') < names.indexOf('createUserNamespace'));
    assert.ok(names.indexOf('createTimeNamespace') > names.indexOf('becomeRoot'));
    const made = stage.find(({ op }) => op === 'createTimeNamespace');
    assert.equal(made, {
      op: 'createTimeNamespace',
      offsets: 'monotonic -3 0\nboottime 7 5\n',
    });
    assert.equal(stage.at(-1), { op: 'clone', flags: CLONE_FLAGS.mount });
  }
});

test('sources that a user namespace may not reach are opened before it, each in a slot of its own', () => {
  const namespaces = [{ type: 'mount' }, { type: 'user' }];
  const spec = smallSpec({
    linux: { namespaces },
    mounts: ['/a', '/b'].map((source) => ({ destination: source, source, options: ['rbind'] })),
  });
  const { stage, create } = plan(requestFor(spec));
  const opened = stage.flatMap((operation) => (operation.op === 'openSource' ? [operation] : []));
  assert.equal(
    opened.map(({ slot }) => slot),
    opened.map((_, index) => index + 1),
  );
  // What is mounted from a slot is what was opened into it.
  const sources = new Map(opened.map(({ slot, source }) => [slot, source]));
  const used = create.flatMap((operation) =>
    operation.op === 'bindMount' || operation.op === 'bindNode' ? [operation] : [],
  );
  assert.ok(used.length > 2);
  for (const { slot, source } of used) assert.is(sources.get(slot), source);
  assert.is(used.length, opened.length);
});

test('the first separator of a sysctl decides what separates', () => {
  for (const [key, path] of [
    ['kernel.shmmax', 'kernel/shmmax'],
    ['kernel/shmmax', 'kernel/shmmax'],
    ['net.ipv4.conf.eth0/1.forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
    ['net/ipv4/conf/eth0.1/forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
  ] as const) {
    assert.is(sysctlPath(key), path);
  }
});

test('devices are moved before the sysctls, some of which are theirs, and only for who may move them', () => {
  const linux: Linux = {
    namespaces: [{ type: 'network' }, { type: 'mount' }],
    netDevices: { eth7: {} },
    sysctl: { 'net.ipv4.conf.eth7.forwarding': '1' },
  };
  const spec = smallSpec({ linux });
  const order = plan(requestFor(spec)).create.map(({ op }) => op);
  assert.ok(order.includes('awaitNetDevices'));
  assert.ok(order.indexOf('awaitNetDevices') < order.indexOf('writeSysctl'));
  const without = plan(requestFor(smallSpec({ linux: { ...linux, netDevices: {} } })));
  assert.not.ok(without.create.some(({ op }) => op === 'awaitNetDevices'));
  assert.throws(() => plan(requestFor(spec, { host: ordinaryUser })), /CAP_NET_ADMIN/);
});

test.run();
