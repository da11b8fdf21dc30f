/**
 * When a new container's processes are in its cgroups, and how little memory it takes to get there. Under a small limit v1's
 * memory controller is joined late.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRoot, layout } from '../support/cgroups.js';
import { mountOf } from '../support/container-cgroup.js';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const able = skipUnless(isRoot && layout.version !== 'none', 'root and cgroups')(test);

const small = mountOf('memory') === undefined ? {} : { memory: { limit: 1024 * 1024 } };

/** The paths in /proc/PID/cgroup, by hierarchy. */
const paths = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.slice(line.indexOf(':') + 1));

for (const namespace of ['new', 'shared'] as const) {
  able(`hooks find the process in all its cgroups; its cgroup namespace is ${namespace}`, () => {
    const file = join(lab.folder, lab.name());
    const bundle = lab.bundle((spec) => {
      const script = `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); cat /proc/$pid/cgroup > ${file}`;
      spec.hooks.createRuntime = [{ path: '/bin/sh', args: ['sh', '-c', script] }];
      spec.process.args = ['cat', '/proc/self/cgroup'];
      spec.linux.resources = small;
      if (namespace === 'shared')
        spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'cgroup');
    });
    const { id, pid } = lab.create(bundle);
    const found = readFileSync(file, 'utf8');
    assert.is(found, readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    const own = paths(readFileSync('/proc/self/cgroup', 'utf8'));
    for (const path of paths(found)) assert.not.ok(own.includes(path), path);
    lab.ok(['delete', '--force', id]);

    const seen = lab.ok(['run', '--bundle', bundle, lab.name()]);
    if (namespace === 'new') for (const path of paths(seen)) assert.match(path, /:\/$/);
    else assert.is(paths(seen).length, paths(found).length);
  });
}

skipUnless(isRoot && mountOf('unified') !== undefined, 'root and a mounted cgroup2')(test)(
  'a cgroup2 that the configuration mounts has the container at its root',
  () => {
    const bundle = lab.bundle((spec) => {
      spec.mounts.push({
        destination: '/tmp',
        type: 'cgroup2',
        source: 'cgroup2',
        options: ['ro'],
      });
      spec.process.args = ['cat', '/tmp/cgroup.procs'];
      spec.linux.resources = small;
    });
    const processes = lab.ok(['run', '--bundle', bundle, lab.name()]).trim().split('\n');
    // Those out of sight of its pid namespace are 0.
    assert.equal(processes, ['1']);
  },
);

skipUnless(isRoot && mountOf('memory') !== undefined, 'root and the v1 controller memory')(test)(
  'what the kernel keeps for namespaces and mounts takes none of a small memory.limit',
  () => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['true'];
      spec.linux.resources = { memory: { limit: 256 * 1024 } };
    });
    lab.ok(['run', '--bundle', bundle, lab.name()]);
  },
);

lab.finish(test);
