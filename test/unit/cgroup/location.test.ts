import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CgroupLayout } from '../../../ts/cgroup/cgroup.js';
import { locateCgroup } from '../../../ts/cgroup/location.js';

const root = '/sys/fs/cgroup';

const hybrid: CgroupLayout = {
  version: 'hybrid',
  hierarchies: [
    {
      name: 'cpu,cpuacct',
      controllers: ['cpu', 'cpuacct'],
      mountpoint: `${root}/cpu,cpuacct`,
      own: '/',
    },
    { name: 'memory', controllers: ['memory'], mountpoint: `${root}/memory`, own: '/session/1' },
    { name: 'unified', controllers: [], mountpoint: `${root}/unified`, own: '/session' },
  ],
};

const v2 = (own: string): CgroupLayout => ({
  version: 'v2',
  mountpoint: root,
  own,
  controllers: ['memory'],
});

test('an absolute path is below each mountpoint', () => {
  assert.equal(locateCgroup(hybrid, 'c', '/docker/c'), {
    version: 'hybrid',
    directories: {
      'cpu,cpuacct': `${root}/cpu,cpuacct/docker/c`,
      memory: `${root}/memory/docker/c`,
      unified: `${root}/unified/docker/c`,
    },
  });
  assert.equal(locateCgroup(v2('/session/1'), 'c', '/docker/c').directories, {
    unified: `${root}/docker/c`,
  });
});

test('a relative path is below our own cgroup, on v2 beside it', () => {
  assert.equal(locateCgroup(hybrid, 'c', 'a/b').directories, {
    'cpu,cpuacct': `${root}/cpu,cpuacct/a/b`,
    memory: `${root}/memory/session/1/a/b`,
    unified: `${root}/unified/session/a/b`,
  });
  assert.is(
    locateCgroup(v2('/session/1'), 'c', 'a/b').directories['unified'],
    `${root}/session/a/b`,
  );
  assert.is(locateCgroup(v2('/'), 'c', 'a/b').directories['unified'], `${root}/a/b`);
});

test('without a path the container gives its name', () => {
  for (const path of [undefined, '']) {
    assert.is(locateCgroup(v2('/x/y'), 'web', path).directories['unified'], `${root}/x/tsrunc-web`);
  }
});

test("systemd's form is a plain name", () => {
  const { directories } = locateCgroup(v2('/'), 'c', 'user.slice:cri:c');
  assert.is(directories['unified'], `${root}/user.slice:cri:c`);
});

test('no path leads out of where it begins', () => {
  const part = fc.constantFrom('..', '.', '', 'a', 'b c', '...');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const path = parts.join('/');
      for (const layout of [hybrid, v2('/session/1')]) {
        try {
          for (const directory of Object.values(locateCgroup(layout, 'c', path).directories)) {
            assert.match(directory, /^\/sys\/fs\/cgroup\/[^/]/);
            assert.not.ok(directory.split('/').includes('..'));
          }
        } catch (error) {
          assert.match(String(error), /linux\.cgroupsPath is ".*", which names no cgroup/);
        }
      }
    }),
  );
  assert.is(
    locateCgroup(hybrid, 'c', '../../../etc').directories['memory'],
    `${root}/memory/session/1/etc`,
  );
});

test('the topmost cgroup and our own are no place for a container', () => {
  for (const path of ['/', '/..', '.', 'a/..', '../..']) {
    assert.throws(() => locateCgroup(hybrid, 'c', path), /names no cgroup of the container's own/);
  }
});

test('without cgroups there is no place', () => {
  assert.throws(() => locateCgroup({ version: 'none' }, 'c', '/a'), /no cgroups are mounted/);
});

test.run();
