import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation } from '../../../ts/plan/operations.js';
import { plan } from '../../../ts/plan/plan.js';
import type { Linux, Process } from '../../../ts/spec/types.js';
import { ordinaryUser, requestFor, type Surroundings, smallSpec } from './fixture.js';

const hook = { path: '/hook' };
const mappings = [{ containerID: 0, hostID: 0, size: 1 }];
const namespaces = [{ type: 'mount' }, { type: 'user' }];
const inUserNamespace: Linux = { namespaces, uidMappings: mappings, gidMappings: mappings };

function programOf(process: Partial<Process>, linux: Linux = {}, surroundings: Surroundings = {}) {
  const hooks = { createContainer: [hook], startContainer: [hook] };
  return plan(requestFor(smallSpec({ process, linux, hooks }), surroundings));
}

const names = (operations: readonly Operation[]) =>
  operations.map((operation) => (operation.op === 'runHook' ? operation.kind : operation.op));

/** Those of `names` that are there, in the order that they are in. */
const orderOf = (operations: readonly Operation[], ...wanted: string[]) =>
  names(operations).filter((name) => wanted.includes(name));

const schedulingOps = ['setNice', 'setScheduler', 'setIoPriority'];
const early = (process: Partial<Process>, surroundings: Surroundings = {}) =>
  orderOf(programOf(process, inUserNamespace, surroundings).stage, ...schedulingOps);

test('scheduling comes after the last hook, before a filter and before privileges go', () => {
  const order = ['startContainer', ...schedulingOps, 'loadSeccomp', 'setUser', 'setCapabilities'];
  const { start } = programOf(
    {
      scheduler: { policy: 'SCHED_IDLE', nice: -5 },
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 1 },
    },
    { namespaces: [{ type: 'mount' }], seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } },
  );
  assert.equal(orderOf(start, ...order), order);
});

test('HOME is looked up before limits and filters could be in the way, unless it is given', () => {
  const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 3, hard: 3 }];
  const { start } = programOf({ rlimits }, { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } });
  const order = ['findHome', 'setRlimit', 'loadSeccomp'];
  assert.equal(orderOf(start, ...order), order);
  assert.equal(orderOf(programOf({ env: ['A=1', 'HOME='] }).start, 'findHome'), []);
});

test('what a user namespace takes the privilege for is done before it is entered', () => {
  const fifo = { policy: 'SCHED_FIFO', priority: 1 };
  assert.equal(early({ scheduler: fifo }), ['setScheduler']);
  assert.equal(early({ scheduler: { policy: 'SCHED_IDLE', nice: -1 } }), [
    'setNice',
    'setScheduler',
  ]);
  assert.equal(early({ ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 0 } }), ['setIoPriority']);
  const stage = names(programOf({ scheduler: fifo }, inUserNamespace).stage);
  // A real-time process may not be moved to a cgroup without real-time.
  assert.ok(stage.indexOf('joinCgroups') < stage.indexOf('setScheduler'));
  assert.ok(stage.indexOf('setScheduler') < stage.indexOf('createUserNamespace'));
});

test('what needs no privilege, is not inherited, or could not be granted anyway waits for start', () => {
  const flags = ['SCHED_FLAG_RESET_ON_FORK'];
  assert.equal(early({ scheduler: { policy: 'SCHED_BATCH', nice: 5 } }), []);
  assert.equal(early({ scheduler: { policy: 'SCHED_FIFO', priority: 1, flags } }), []);
  assert.equal(
    early({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 5000, deadline: 5000 } }),
    [],
  );
  assert.equal(early({ ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } }), []);
  assert.equal(
    early({ scheduler: { policy: 'SCHED_RR', priority: 1 } }, { host: ordinaryUser }),
    [],
  );
});

test('each flag of a scheduler has the bit of the kernel', () => {
  const flags = [
    'SCHED_FLAG_RESET_ON_FORK',
    'SCHED_FLAG_RECLAIM',
    'SCHED_FLAG_DL_OVERRUN',
    'SCHED_FLAG_KEEP_POLICY',
    'SCHED_FLAG_KEEP_PARAMS',
    'SCHED_FLAG_UTIL_CLAMP_MIN',
    'SCHED_FLAG_UTIL_CLAMP_MAX',
  ];
  const bits = flags.map((flag) => {
    const { start } = programOf({ scheduler: { policy: 'SCHED_OTHER', flags: [flag] } });
    return start.flatMap((operation) => (operation.op === 'setScheduler' ? [operation.flags] : []));
  });
  assert.equal(bits.flat(), [1n, 2n, 4n, 8n, 16n, 32n, 64n]);
});

test('memory policy and personality are there when the container is created, but not for its hooks', () => {
  const { create } = programOf(
    {},
    {
      namespaces: [{ type: 'mount' }],
      personality: { domain: 'LINUX32' },
      memoryPolicy: { mode: 'MPOL_BIND', nodes: '0,2-3', flags: ['MPOL_F_STATIC_NODES'] },
    },
  );
  const order = ['createContainer', 'setMemoryPolicy', 'setPersonality', 'awaitStart'];
  assert.equal(orderOf(create, ...order), order);
  assert.equal(
    create.find(({ op }) => op === 'setMemoryPolicy'),
    { op: 'setMemoryPolicy', mode: 0x8002, nodes: [0, 2, 3] },
  );
});

test("labels go with the container's programs, not with the host's hooks", () => {
  const process = { apparmorProfile: 'p', selinuxLabel: 'l' };
  const { create, start } = programOf(process, {}, { host: { apparmor: true, selinux: true } });
  const order = [...create, ...start].flatMap((operation) => {
    if (operation.op === 'writeAttribute') return [`${operation.attribute} = ${operation.value}`];
    return operation.op === 'runHook' ? [operation.kind] : [];
  });
  assert.equal(order, [
    'keycreate = l',
    'createContainer',
    'apparmor/exec = exec p',
    'exec = l',
    'startContainer',
  ]);
});

test('a label without its module is refused, except for what holds anyway', () => {
  const refuses = (process: Partial<Process>) => () => programOf(process);
  assert.throws(refuses({ apparmorProfile: 'p' }), /apparmorProfile.*AppArmor is not enabled/);
  assert.throws(refuses({ selinuxLabel: 'l' }), /selinuxLabel.*SELinux is not enabled/);
  assert.throws(refuses({ scheduler: { policy: 'SCHED_ISO' } }), /no Linux kernel implements/);
  const { create } = programOf({ apparmorProfile: 'unconfined' });
  assert.equal(orderOf(create, 'writeAttribute'), []);
});

test("the affinity is the cgroup's, where there is one of the container's own", () => {
  assert.equal(orderOf(programOf({}).stage, 'joinCgroups', 'setAffinity'), [
    'joinCgroups',
    'setAffinity',
  ]);
  assert.equal(orderOf(programOf({}, {}, { layout: 'none' }).stage, 'setAffinity'), []);
});

test.run();
