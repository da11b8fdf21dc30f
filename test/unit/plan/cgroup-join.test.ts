/** When a new container joins which cgroup. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Program } from '../../../ts/plan/operations.js';
import { plan } from '../../../ts/plan/plan.js';
import type { Mount } from '../../../ts/spec/types.js';
import { requestFor, type Surroundings, smallSpec } from './fixture.js';

const NEWCGROUP = 0x02000000;
const memory = '/sys/fs/cgroup/memory/c1/tasks';
const others = ['/sys/fs/cgroup/cpu,cpuacct/c1/tasks', '/sys/fs/cgroup/systemd/c1/tasks'];
const tmpfs = { destination: '/etc', type: 'tmpfs', source: 'tmpfs' };

function programOf(mounts: Mount[], namespaces: string[], surroundings: Surroundings = {}) {
  const linux = { namespaces: namespaces.map((type) => ({ type })) };
  const hooks = { createRuntime: [{ path: '/hook' }] };
  return plan(requestFor(smallSpec({ mounts, linux, hooks }), surroundings));
}

const joined = ({ stage }: Program): unknown =>
  stage.find(({ op }) => op === 'joinCgroups' || op === 'openCgroup');
const namesOf = ({ create }: Program) => create.map(({ op }) => op);

function cloneFlags({ stage }: Program): number {
  const clone = stage.find(({ op }) => op === 'clone');
  return clone?.op === 'clone' ? clone.flags : 0;
}

for (const layout of ['v1', 'hybrid'] as const) {
  test(`${layout}: memory is joined when the mounts are made, and before the hooks hear of it`, () => {
    const program = programOf([tmpfs], ['mount', 'cgroup'], { layout });
    assert.equal(joined(program), { op: 'joinCgroups', files: others });
    const opened = program.stage.find(({ op }) => op === 'openCgroup');
    assert.equal(opened, { op: 'openCgroup', file: memory });
    const order = ['mount', 'enterCgroup', 'awaitHooks', 'changeRoot'];
    assert.equal(
      namesOf(program).filter((name) => order.includes(name)),
      order,
    );
    // Its root is where init is when it is made.
    const entered = program.create.find(({ op }) => op === 'enterCgroup');
    assert.equal(entered, { op: 'enterCgroup', file: memory, newNamespace: true });
    assert.is(cloneFlags(program) & NEWCGROUP, 0);
  });

  test(`${layout}: what the image can fill is counted from the start`, () => {
    const program = programOf([{ ...tmpfs, options: ['tmpcopyup'] }], ['mount', 'cgroup'], {
      layout,
    });
    const [cpu = '', systemd = ''] = others;
    assert.equal(joined(program), { op: 'joinCgroups', files: [cpu, memory, systemd] });
    assert.not.ok(namesOf(program).includes('enterCgroup'));
    assert.is(cloneFlags(program) & NEWCGROUP, NEWCGROUP);
  });
}

for (const type of ['cgroup', 'cgroup2']) {
  // Its root is that of the cgroup namespace: of the host's, where there is no other yet.
  test(`a file system of type ${type} is made in the cgroup namespace, after all are joined`, () => {
    const mount = { destination: '/cgroups', type, source: type };
    const known = {
      version: 'hybrid',
      directories: { memory: '/sys/fs/cgroup/memory/c1' },
    } as const;
    const program = programOf([mount], ['mount', 'cgroup'], {
      layout: 'hybrid',
      cgroup: known,
      joinFiles: [memory],
    });
    assert.equal(joined(program), { op: 'joinCgroups', files: [memory] });
    assert.is(cloneFlags(program) & NEWCGROUP, NEWCGROUP);
    assert.not.ok(namesOf(program).includes('enterCgroup'));
  });
}

test('without a cgroup namespace of its own none is made', () => {
  const { create } = programOf([], ['mount']);
  const entered = create.find(({ op }) => op === 'enterCgroup');
  assert.equal(entered, { op: 'enterCgroup', file: memory, newNamespace: false });
});

test('on cgroup v2 init is born in its only cgroup', () => {
  const program = programOf([tmpfs], ['mount', 'cgroup'], { layout: 'v2' });
  assert.is(joined(program), undefined);
  assert.not.ok(namesOf(program).includes('enterCgroup'));
  assert.is(cloneFlags(program) & NEWCGROUP, NEWCGROUP);
});

test.run();
