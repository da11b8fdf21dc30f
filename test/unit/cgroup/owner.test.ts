import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cgroupOwner } from '../../../ts/cgroup/owner.js';
import { defaultSpec } from '../../../ts/spec/default.js';
import type { Spec } from '../../../ts/spec/types.js';

function spec({
  namespaces = [{ type: 'user' }, { type: 'cgroup' }],
  options = ['nosuid'] as string[],
  destination = '/sys/fs/cgroup',
  uid = 5,
} = {}): Spec {
  return {
    ...defaultSpec(),
    process: { cwd: '/', user: { uid, gid: 0 } },
    mounts: [{ destination, type: 'cgroup', options }],
    linux: {
      namespaces,
      uidMappings: [
        { containerID: 0, hostID: 1000, size: 1 },
        { containerID: 1, hostID: 100_000, size: 10 },
      ],
    },
  };
}

test('the cgroup is for the user as whom the process runs, in ids of the host', () => {
  assert.is(cgroupOwner(spec()), 100_004);
  assert.is(cgroupOwner(spec({ uid: 0 })), 1000);
  assert.is(cgroupOwner(spec({ destination: '/sys/fs/cgroup/', options: ['ro', 'rw'] })), 100_004);
});

test('it stays where the container has no cgroup namespace, ids or writable mount of its own', () => {
  for (const options of [
    { namespaces: [{ type: 'user' }] },
    { namespaces: [{ type: 'cgroup' }] },
    { namespaces: [{ type: 'user' }, { type: 'cgroup', path: '/proc/1/ns/cgroup' }] },
    { namespaces: [{ type: 'user', path: '/proc/1/ns/user' }, { type: 'cgroup' }] },
    { options: ['rw', 'ro'] },
    { destination: '/mnt' },
    { uid: 11 },
  ])
    assert.is(cgroupOwner(spec(options)), undefined, JSON.stringify(options));
});

test.run();
