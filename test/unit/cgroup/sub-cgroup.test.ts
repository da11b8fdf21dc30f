import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CgroupLocation } from '../../../ts/cgroup/cgroup.js';
import { subCgroup } from '../../../ts/cgroup/sub-cgroup.js';

const v1: CgroupLocation = {
  version: 'v1',
  directories: { 'cpu,cpuacct': '/c/cpu/x', memory: '/c/memory/x' },
};
const v2: CgroupLocation = { version: 'v2', directories: { unified: '/c/x' } };

test("without a path it is the container's", () => {
  assert.equal(subCgroup(v1, []), v1);
});

test('a path alone is for all hierarchies', () => {
  assert.equal(subCgroup(v2, ['a/b']).directories, { unified: '/c/x/a/b' });
  assert.equal(subCgroup(v1, ['/a']).directories, {
    'cpu,cpuacct': '/c/cpu/x/a',
    memory: '/c/memory/x/a',
  });
});

test('controllers choose among those of v1', () => {
  assert.equal(subCgroup(v1, ['cpuacct:a', 'memory:b']).directories, {
    'cpu,cpuacct': '/c/cpu/x/a',
    memory: '/c/memory/x/b',
  });
});

test('what leads out, or is not there, is refused', () => {
  for (const path of ['..', 'a/../..', 'cpu:../y', '/..', 'a\0b']) {
    assert.throws(() => subCgroup(v1, [path]), /must stay in the container's cgroup/, path);
  }
  assert.throws(() => subCgroup(v1, ['pids:a']), /no cgroup hierarchy with the controller "pids"/);
  assert.throws(() => subCgroup(v2, ['cpu:a']), /one hierarchy/);
});

test.run();
