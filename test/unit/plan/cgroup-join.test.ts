/** When a new container joins which cgroup. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Program } from '../../../ts/plan/operations.js';
import { plan } from '../../../ts/plan/plan.js';
import type { Mount } from '../../../ts/spec/types.js';
import { requestFor, type Surroundings, smallSpec } from './fixture.js';

const NEWCGROUP = 0x02000000;
const KiB = 1024;
const own = (name: string): string => `/sys/fs/cgroup/${name}/c1`;
const directories = {
  freezer: own('freezer'),
  memory: own('memory'),
  cpu: own('cpu'),
};
const fileOf = (name: string): string => `${own(name)}/tasks`;
const all = Object.keys(directories).map(fileOf);
const tmpfs = { destination: '/etc', type: 'tmpfs', source: 'tmpfs' };

interface Case extends Surroundings {
  readonly mounts?: Mount[];
  readonly namespaces?: string[];
  readonly limit?: number;
}

function programOf({ mounts = [tmpfs], namespaces = [], limit = 512 * KiB, ...rest }: Case = {}) {
  const types = ['mount', 'cgroup', ...namespaces];
  const mappings = [{ containerID: 0, hostID: 0, size: 1 }];
  const linux = {
    namespaces: types.map((type) => ({ type })),
    resources: { memory: { limit } },
    ...(namespaces.includes('user') ? { uidMappings: mappings, gidMappings: mappings } : {}),
  };
  const hooks = { createRuntime: [{ path: '/hook' }] };
  return plan(
    requestFor(smallSpec({ mounts, linux, hooks }), {
      cgroup: { version: 'v1', directories },
      joinFiles: all,
      ...rest,
    }),
  );
}

const joined = ({ stage }: Program) =>
  stage.flatMap((operation) => (operation.op === 'joinCgroups' ? operation.files : []));
const namesOf = ({ create }: Program) => create.map(({ op }) => op);

function makesCgroupNamespace({ stage }: Program): boolean {
  const clone = stage.find(({ op }) => op === 'clone');
  return clone?.op === 'clone' && (clone.flags & NEWCGROUP) !== 0;
}

test('under a small limit memory is joined when the mounts are made, before what the image decides', () => {
  const program = programOf();
  const file = fileOf('memory');
  assert.equal(
    joined(program),
    all.filter((each) => each !== file),
  );
  assert.equal(
    program.stage.find(({ op }) => op === 'openCgroup'),
    { op: 'openCgroup', file },
  );
  const order = ['mount', 'enterCgroup', 'makeWorkingDirectory', 'awaitHooks', 'changeRoot'];
  assert.equal(
    namesOf(program).filter((name) => order.includes(name)),
    order,
  );
  // Its root is where init is when it is made.
  assert.not.ok(makesCgroupNamespace(program));
  assert.equal(
    program.create.find(({ op }) => op === 'enterCgroup'),
    { op: 'enterCgroup', file, newNamespace: true },
  );
});

const early: Record<string, Case> = {
  'there is no limit': { limit: -1 },
  'the limit is large': { limit: 2048 * KiB },
  'the container has a user namespace, whose root may not be moved': { namespaces: ['user'] },
  'a tmpfs is filled from the image': { mounts: [{ ...tmpfs, options: ['tmpcopyup'] }] },
  // Its root is that of the cgroup namespace: of the host's, where there is no other yet.
  'a cgroup2 is mounted': { mounts: [{ ...tmpfs, type: 'cgroup2' }] },
  'a hierarchy is mounted under its old name': { mounts: [{ ...tmpfs, type: 'cpuset' }] },
  'a hierarchy is mounted that the container has no cgroup in': {
    mounts: [{ ...tmpfs, type: 'cgroup' }],
    layout: 'hybrid',
  },
  'a file system is changed': { mounts: [tmpfs, { ...tmpfs, options: ['remount', 'sync'] }] },
  'who is killed with the container is looked up there': {
    cgroup: { version: 'v1', directories: { memory: own('memory') } },
    joinFiles: [fileOf('memory')],
  },
  'other controllers share the hierarchy': {
    cgroup: {
      version: 'v1',
      directories: { freezer: own('freezer'), 'devices,memory': own('devices,memory') },
    },
    joinFiles: [fileOf('freezer'), fileOf('devices,memory')],
  },
};
for (const [why, given] of Object.entries(early)) {
  test(`all is joined early where ${why}`, () => {
    const program = programOf(given);
    assert.equal(joined(program), given.joinFiles ?? all);
    assert.not.ok(namesOf(program).includes('enterCgroup'));
    assert.ok(makesCgroupNamespace(program));
  });
}

test('on cgroup v2 init is born in its only cgroup', () => {
  const program = programOf({
    layout: 'v2',
    cgroup: { version: 'v2', directories: { unified: own('unified') } },
    joinFiles: [],
  });
  assert.equal(joined(program), []);
  assert.not.ok(namesOf(program).includes('enterCgroup'));
  assert.ok(makesCgroupNamespace(program));
});

test.run();
