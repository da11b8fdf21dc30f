import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation } from '../../../ts/plan/operations.js';
import { plan } from '../../../ts/plan/plan.js';
import type { LinuxCapabilities, Process } from '../../../ts/spec/types.js';
import { ordinaryUser, requestFor, type Surroundings, smallSpec } from './fixture.js';

const KILL = 1n << 5n;
const CHOWN = 1n;

/** What is done after `start`, and what the operator is warned of. */
function planStart(process: Partial<Process>, surroundings: Surroundings = {}) {
  const warnings: string[] = [];
  const request = requestFor(smallSpec({ process }), surroundings);
  const { start } = plan(request, (message) => warnings.push(message));
  const find = <Name extends Operation['op']>(name: Name) =>
    start.find((operation): operation is Extract<Operation, { op: Name }> => operation.op === name);
  return { start, warnings, find };
}

function capabilitiesOf(capabilities: LinuxCapabilities, surroundings: Surroundings = {}) {
  const { find, warnings } = planStart({ capabilities }, surroundings);
  const { op: _, ...sets } = find('setCapabilities') ?? { op: undefined };
  return { ...sets, bounding: find('setBoundingSet')?.keep, warnings };
}

test('capabilities that are not asked for are not there', () => {
  assert.equal(capabilitiesOf({}), {
    bounding: 0n,
    effective: 0n,
    permitted: 0n,
    inheritable: 0n,
    ambient: 0n,
    warnings: [],
  });
});

test('a set that the kernel would refuse is cut to what it takes', () => {
  const names = ['CAP_KILL', 'CAP_CHOWN'];
  const { effective, ambient } = capabilitiesOf({
    effective: names,
    permitted: ['CAP_KILL'],
    inheritable: ['CAP_CHOWN'],
    ambient: names,
  });
  // Effective must be permitted; ambient must be permitted and inheritable.
  assert.is(effective, KILL);
  assert.is(ambient, 0n);
});

test('what is cut off is warned of', () => {
  const names = ['CAP_KILL', 'CAP_CHOWN'];
  const { inheritable, warnings } = capabilitiesOf({
    bounding: ['CAP_KILL'],
    permitted: ['CAP_KILL'],
    effective: names,
    inheritable: names,
    ambient: names,
  });
  // The kernel takes nothing into the inheritable set that isn't in the bounding set.
  assert.is(inheritable, KILL);
  assert.equal(warnings, [
    'CAP_CHOWN: left out of the inheritable set: not in the bounding set',
    'CAP_CHOWN: left out of the effective set: not in the permitted set',
    'CAP_CHOWN: left out of the ambient set: not in the permitted set',
  ]);
});

test('a capability that the kernel does not know is warned of and left out', () => {
  const { bounding, warnings } = capabilitiesOf(
    { bounding: ['CAP_KILL', 'CAP_CHECKPOINT_RESTORE', 'CAP_OF_TOMORROW'] },
    { host: { lastCapability: 39 } },
  );
  assert.is(bounding, KILL);
  assert.equal(
    warnings.map((warning) => warning.split(' ')[0]),
    ['CAP_CHECKPOINT_RESTORE', 'CAP_OF_TOMORROW'],
  );
});

test('a capability that the caller does not have is warned of and left out', () => {
  const { permitted, effective, warnings } = capabilitiesOf(
    { permitted: ['CAP_KILL', 'CAP_CHOWN'], effective: ['CAP_KILL', 'CAP_CHOWN'] },
    { host: { capabilities: CHOWN } },
  );
  assert.is(permitted, CHOWN);
  assert.is(effective, CHOWN);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^CAP_KILL .*caller doesn't have it/);
});

test('a new user namespace grants all capabilities, whoever makes it', () => {
  const spec = smallSpec({
    process: { capabilities: { bounding: ['CAP_KILL'] } },
    linux: { namespaces: [{ type: 'mount' }, { type: 'user' }] },
  });
  const { start } = plan(requestFor(spec, { host: ordinaryUser }));
  assert.ok(
    start.some((operation) => operation.op === 'setBoundingSet' && operation.keep === KILL),
  );
});

test('the program is looked for in the last PATH of the container', () => {
  const search = (...env: string[]) => planStart({ env }).find('exec')?.search;
  assert.equal(search('PATH=/a', 'X=1', 'PATH=/b:/c'), ['/b', '/c']);
  assert.ok(search('X=1')?.includes('/bin'));
});

test('descriptors for socket activation are announced after the own environment', () => {
  const { find } = planStart({ env: ['A=1'] }, { listenFds: 2, preserveFds: 5 });
  assert.equal(find('prepareExec')?.env, ['A=1', 'LISTEN_FDS=2', 'LISTEN_PID=1']);
  assert.is(find('prepareExec')?.preserve, 5);
  const named = planStart(
    { env: ['LISTEN_FDS=9', 'LISTEN_FDNAMES=x', 'A=1'] },
    { listenFds: 1, listenFdNames: 'web' },
  );
  const env = ['A=1', 'LISTEN_FDS=1', 'LISTEN_PID=1', 'LISTEN_FDNAMES=web'];
  assert.equal(named.find('prepareExec')?.env, env);
  const without = ['LISTEN_FDS=9', 'A=1'];
  assert.equal(planStart({ env: without }).find('prepareExec')?.env, without);
});

test('privileges go in the order that the kernel allows', () => {
  const { start } = planStart({
    noNewPrivileges: true,
    rlimits: [{ type: 'RLIMIT_NPROC', soft: 1, hard: 1 }],
  });
  const order = start.map(({ op }) => op);
  const expected: Operation['op'][] = [
    'setRlimit',
    'setBoundingSet',
    'setUser',
    'setCapabilities',
    'exec',
  ];
  assert.equal(
    order.filter((op) => expected.includes(op)),
    expected,
  );
});

test('limits keep all their 64 bits', () => {
  const unlimited = 2n ** 64n - 1n;
  const { find } = planStart({ rlimits: [{ type: 'RLIMIT_AS', soft: 5, hard: unlimited }] });
  assert.equal(find('setRlimit'), { op: 'setRlimit', resource: 9, soft: 5n, hard: unlimited });
});

test("the caller's limit of descriptors is for who has none of its own", () => {
  const find = (process: Partial<Process>, openFiles?: number) =>
    planStart(process, openFiles === undefined ? {} : { openFiles }).find('setSoftLimit');
  assert.equal(find({}, 1024), { op: 'setSoftLimit', resource: 7, soft: 1024n });
  assert.is(find({}), undefined);
  assert.is(find({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 5, hard: 5 }] }, 1024), undefined);
});

test('an ordinary user who maps only himself is denied setgroups', () => {
  const own = [{ containerID: 0, hostID: 1000, size: 1 }];
  const setGroups = (gidMappings: typeof own, surroundings: Surroundings) => {
    const namespaces = [{ type: 'mount' }, { type: 'user' }];
    const spec = smallSpec({ linux: { namespaces, uidMappings: own, gidMappings } });
    const { start } = plan(requestFor(spec, surroundings));
    return start.flatMap((operation) => (operation.op === 'setUser' ? [operation.setGroups] : []));
  };
  assert.equal(setGroups(own, { host: ordinaryUser }), [false]);
  assert.equal(setGroups(own, {}), [true]);
  const more = [...own, { containerID: 1, hostID: 100000, size: 65536 }];
  assert.equal(setGroups(more, { host: ordinaryUser }), [true]);
});

test.run();
