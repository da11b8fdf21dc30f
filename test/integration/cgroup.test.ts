import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CgroupLocation } from '../../ts/cgroup/cgroup.js';
import { isCgroupFrozen } from '../../ts/cgroup/frozen.js';
import { openCgroup } from '../../ts/cgroup/open.js';
import {
  codeOf,
  ending,
  gone,
  isRoot,
  layout,
  locate,
  native,
  spoken,
  startIn,
  withCgroup,
} from '../support/cgroups.js';
import { skipUnless } from '../support/skip.js';

skipUnless(layout.version !== 'none', 'cgroups')(test)('the layout is what is mounted', () => {
  assert.ok(layout.version !== 'none');
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const hierarchies =
    layout.version === 'v2'
      ? [{ ...layout, name: 'unified', controllers: [] }]
      : layout.hierarchies;
  for (const { mountpoint, own, controllers } of hierarchies) {
    const procs = readFileSync(join(mountpoint, own, 'cgroup.procs'), 'utf8').split('\n');
    assert.ok(procs.includes(String(process.pid)), mountpoint);
    assert.ok(membership.includes(`:${controllers.join(',')}:`));
  }
});

for (const version of ['v1', 'hybrid', 'v2'] as const) {
  const group = suite(version);
  const it = skipUnless(
    isRoot && locate(version) !== undefined,
    `root and cgroups ${version}`,
  )(group);

  it(`${version}: a new cgroup can be joined, and goes without a trace`, () =>
    withCgroup(version, async (cgroup, location) => {
      cgroup.create();
      assert.equal(cgroup.processes(), []);
      assert.is(isCgroupFrozen(cgroup.location), false);
      const child = startIn(cgroup, 'echo in; exec sleep 1000');
      await spoken(child);
      assert.equal(cgroup.processes(), [child.pid]);
      const end = ending(child);
      cgroup.signalAll(15);
      assert.is(await end, 'SIGTERM');
      await cgroup.remove();
      assert.ok(gone(location));
      await cgroup.remove();
    }));

  it(`${version}: everything is signalled, sub-cgroups too`, () =>
    withCgroup(version, async (cgroup, location) => {
      cgroup.create();
      const directories = Object.fromEntries(
        Object.entries(location.directories).map(([name, path]) => [
          name,
          join(path, 'deep', 'sub'),
        ]),
      );
      const sub = openCgroup({ version, directories }, native);
      // A cgroup2 that hands controllers on to sub-cgroups could have no processes of its own.
      if (version === 'v2') mkdirSync(directories['unified'] ?? '', { recursive: true });
      else sub.create();
      const children = [
        startIn(cgroup, 'echo in; exec sleep 1000'),
        startIn(sub, 'echo in; exec sleep 1000'),
      ];
      await Promise.all(children.map(spoken));
      const pids = children.map(({ pid }) => pid ?? 0);
      assert.equal(cgroup.processes().sort(), pids.sort());
      const ends = Promise.all(children.map(ending));
      cgroup.signalAll(10);
      assert.equal(await ends, ['SIGUSR1', 'SIGUSR1']);
      await cgroup.remove();
      assert.ok(gone(location));
    }));

  if (version === 'v2')
    it('v2: processes of threaded sub-cgroups are seen, signalled and ended', () =>
      withCgroup(version, async (cgroup, { directories }) => {
        cgroup.create();
        const child = startIn(cgroup, 'echo in; exec sleep 1000');
        await spoken(child);
        const threads = join(directories['unified'] ?? '', 'threads');
        mkdirSync(threads);
        writeFileSync(join(threads, 'cgroup.type'), 'threaded');
        writeFileSync(join(threads, 'cgroup.threads'), String(child.pid));
        assert.equal(cgroup.processes(), [child.pid]);
        const end = ending(child);
        cgroup.signalAll(10);
        assert.is(await end, 'SIGUSR1');
        await cgroup.kill();
      }));

  it(`${version}: kill ends a family of processes`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      const child = startIn(
        cgroup,
        'for i in 1 2 3 4 5; do (trap "" TERM; sleep 1000) & done; echo in; wait',
      );
      await spoken(child);
      const end = ending(child);
      await cgroup.kill();
      assert.equal(cgroup.processes(), []);
      assert.is(await end, 'SIGKILL');
      await cgroup.kill();
    }));

  it(`${version}: kill ends processes that fork and exit all the time`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      const child = startIn(cgroup, 'f() { f & }; f; f; f');
      assert.is(await ending(child), 0);
      assert.ok(cgroup.processes().length > 0);
      await cgroup.kill();
      assert.equal(cgroup.processes(), []);
    }));

  it(`${version}: kill ends frozen processes, and those of a frozen sub-cgroup`, () =>
    withCgroup(version, async (cgroup, { directories }) => {
      cgroup.create();
      const child = startIn(cgroup, 'echo in; exec sleep 1000');
      await spoken(child);
      const [directory, file, value] =
        version === 'v2'
          ? [directories['unified'] ?? '', 'cgroup.freeze', '1']
          : [directories['freezer'] ?? '', 'freezer.state', 'FROZEN'];
      const sub = join(directory, 'sub');
      mkdirSync(sub);
      writeFileSync(join(sub, 'cgroup.procs'), String(child.pid));
      writeFileSync(join(sub, file), value);
      assert.is(isCgroupFrozen(cgroup.location), false);
      writeFileSync(join(directory, file), value);
      assert.is(isCgroupFrozen(cgroup.location), true);
      const end = ending(child);
      await cgroup.kill();
      assert.is(await end, 'SIGKILL');
    }));

  it(`${version}: remove kills what is left`, () =>
    withCgroup(version, async (cgroup, location) => {
      cgroup.create();
      const child = startIn(cgroup, 'sleep 1000 & echo in; wait');
      await spoken(child);
      const end = ending(child);
      await cgroup.remove();
      assert.ok(gone(location));
      assert.is(await end, 'SIGKILL');
    }));

  it(`${version}: a cgroup that is there is taken when it's empty, and only then`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      cgroup.create();
      const child = startIn(cgroup, 'echo in; exec sleep 1000');
      await spoken(child);
      assert.throws(() => cgroup.create(), /^container's cgroup .* is not empty: /);
      assert.is(
        codeOf(() => cgroup.create()),
        'INVALID_STATE',
      );
      const end = ending(child);
      cgroup.signalAll(9);
      await end;
    }));

  it(`${version}: a frozen cgroup is refused, also one frozen by its parent, and nothing stays`, () =>
    withCgroup(version, (cgroup, location) => {
      cgroup.create();
      const [hierarchy, file, values] =
        version === 'v2'
          ? (['unified', 'cgroup.freeze', ['1', '0']] as const)
          : (['freezer', 'freezer.state', ['FROZEN', 'THAWED']] as const);
      const directory = location.directories[hierarchy] ?? '';
      writeFileSync(join(directory, file), values[0]);
      assert.throws(() => cgroup.create(), /is frozen, itself or by a parent/);
      const below = locate(version, 'x/below');
      assert.ok(below);
      rmdirOthers(location, hierarchy);
      assert.is(
        codeOf(() => openCgroup(below, native).create()),
        'INVALID_STATE',
      );
      assert.ok(gone(below));
      assert.not.ok(
        Object.entries(location.directories).some(
          ([name, path]) => name !== hierarchy && existsSync(path),
        ),
      );
      writeFileSync(join(directory, file), values[1]);
    }));

  it(`${version}: device rules hold`, () =>
    withCgroup(version, async (cgroup) => {
      cgroup.create();
      cgroup.apply({ devices: [{ allow: false, access: 'rwm' }] });
      const child = startIn(
        cgroup,
        '(: < /dev/kmsg) && echo open || echo closed; : <> /dev/null && echo null',
      );
      const lines: string[] = [];
      child.stdout?.on('data', (data) => lines.push(...String(data).trim().split('\n')));
      await once(child, 'close');
      assert.equal(lines, ['closed', 'null']);
    }));

  group.run();
}

/** Removes the cgroups of all hierarchies but one. */
function rmdirOthers({ directories }: CgroupLocation, keep: string): void {
  for (const [name, directory] of Object.entries(directories))
    if (name !== keep) rmdirSync(directory);
}

test.run();
