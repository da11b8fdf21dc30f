import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onVersion } from '../support/container-cgroup.js';
import { Lab, type Mutate } from '../support/lab.js';
import { parseMountInfo } from '../support/mountinfo.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

for (const [name, pattern] of [
  ['private', /^$/],
  ['rprivate', /^$/],
  ['slave', /^master:\d+|^$/],
  ['rslave', /^master:\d+|^$/],
  ['shared', /^shared:\d+/],
  ['rshared', /^shared:\d+/],
  ['unbindable', /^unbindable$/],
  ['runbindable', /^unbindable$/],
] as const) {
  root(test)(`rootfsPropagation ${name}`, () => {
    const out = lab.inside('cat /proc/self/mountinfo', (spec) => {
      spec.linux.rootfsPropagation = name;
    });
    const mounts = parseMountInfo(out);
    assert.match(mounts.get('/')?.propagation ?? '-', pattern);
    // What is mounted below was private before: only the forms with r reach it.
    if (name === 'rshared') assert.match(mounts.get('/proc')?.propagation ?? '-', pattern);
    if (name === 'shared') assert.is(mounts.get('/proc')?.propagation, '');
  });
}

/** Whether a mount that the host makes once the container's mounts are there reaches the container. */
function seesLaterMounts(propagation: string | undefined): boolean {
  const volume = `${lab.folder}/${lab.name()}`;
  const bundle = lab.bundle(
    (spec) => {
      if (propagation !== undefined) spec.linux.rootfsPropagation = propagation;
      const options = ['rbind', ...(propagation === 'rprivate' ? ['rprivate'] : [])];
      spec.mounts.push({ destination: '/volume', source: volume, options });
      spec.process.args = ['sh', '-c', 'grep -c " /volume/later " /proc/self/mountinfo; true'];
      const args = ['sh', '-c', `mount -t tmpfs later ${volume}/later`];
      spec.hooks.createRuntime = [{ path: '/bin/sh', args, env: ['PATH=/bin:/usr/bin:/sbin'] }];
    },
    { rootfs: 'private' },
  );
  const prepare = `mount --make-rshared /; mkdir ${volume}; mount -t tmpfs tmpfs ${volume}; mkdir ${volume}/later`;
  return lab.withMounts(prepare, ['run', '--bundle', bundle, lab.name()]).trim() === '1';
}

/** Whether what is mounted in the container, below a volume that is shared, comes out to the host. */
function mountsComeOut(propagation: string | undefined): boolean {
  const volume = `${lab.folder}/${lab.name()}`;
  const bundle = lab.bundle(
    (spec) => {
      if (propagation !== undefined) spec.linux.rootfsPropagation = propagation;
      spec.mounts.push(
        { destination: '/volume', source: volume, options: ['rbind', 'rshared'] },
        { destination: '/volume/in', type: 'tmpfs', source: 'tmpfs' },
      );
    },
    { rootfs: 'private' },
  );
  const prepare = `mount --make-rshared /; mkdir ${volume}; mount -t tmpfs tmpfs ${volume}`;
  const args = ['run', '--bundle', bundle, lab.name()];
  const out = lab.withMounts(prepare, args, 'cat /proc/self/mountinfo');
  const mounts = parseMountInfo(out);
  assert.ok(mounts.has(volume), out);
  assert.not.match(out, `${bundle}/rootfs`, 'nothing else of the container is ever seen');
  return mounts.has(`${volume}/in`);
}

root(test)("with shared and rshared the container's mounts in shared volumes come out", () => {
  for (const name of ['shared', 'rshared']) assert.ok(mountsComeOut(name), name);
  for (const name of [undefined, 'slave', 'rslave', 'private', 'rprivate', 'unbindable'])
    assert.not(mountsComeOut(name), String(name));
});

root(test)("by default the host's later mounts come in; private ones do not", () => {
  assert.ok(seesLaterMounts(undefined));
  assert.ok(seesLaterMounts('rslave'));
  assert.ok(seesLaterMounts('slave'));
  assert.ok(seesLaterMounts('shared'));
  assert.not(seesLaterMounts('rprivate'));
  assert.not(seesLaterMounts('private'));
  assert.not(seesLaterMounts('unbindable'));
});

root(test)('--no-pivot makes a root without pivot_root', () => {
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', 'ls -d /bin /home; cat /proc/self/mountinfo | cut -d" " -f5'];
  });
  const out = lab.ok(['run', '--no-pivot', '--bundle', bundle, lab.name()]).split('\n');
  assert.equal(out.slice(0, 2), ['/bin', '/home']);
  assert.ok(out.includes('/') && out.includes('/proc'));
  assert.not(
    out.some((line) => line.includes(lab.folder)),
    'nothing of the host is visible',
  );
});

root(test)('a root file system of a mount namespace that is not left is entered by chroot', () => {
  const out = lab.inside(
    'ls -d /bin; ls /home | wc -l',
    (spec) => {
      spec.linux.namespaces = [{ type: 'pid' }];
      delete spec.hostname;
      spec.mounts = [];
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
      spec.root.readonly = false;
    },
    { rootfs: 'private' },
  );
  assert.is(out.split('\n')[0], '/bin');
});

const cgroupMount =
  (options: string[], namespace: boolean): Mutate =>
  (spec) => {
    spec.mounts = spec.mounts.filter(({ type }) => type !== 'cgroup');
    spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options });
    if (namespace) return;
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'cgroup');
  };

for (const namespace of [true, false]) {
  const which = namespace ? 'with' : 'without';
  root(test)(`a cgroup mount ${which} a cgroup namespace shows the container's own cgroup`, () => {
    const script = `cd /sys/fs/cgroup; for d in pids memory .; do [ -f $d/cgroup.procs ] && cat $d/cgroup.procs; done; mkdir ${onVersion('pids/sub', 'sub')} 2>&1; true`;
    const writable = lab.inside(script, cgroupMount(['nosuid', 'rw'], namespace));
    assert.match(writable, /^1\n/, 'process 1 is in it');
    assert.not.match(writable, 'Read-only');
    const readonly = lab.inside(script, cgroupMount(['nosuid', 'ro'], namespace));
    assert.match(readonly, /^1\n/);
    assert.match(readonly, 'Read-only file system');
    assert.not.match(
      lab.inside('ls -R /sys/fs/cgroup', cgroupMount(['ro'], namespace)),
      'tsrunc-test',
      "and nothing of others' is in sight",
    );
  });
}

root(test)('limits of memory, CPU and processes are in force', () => {
  const bundle = lab.bundle((spec) => {
    spec.linux.resources = {
      ...spec.linux.resources,
      memory: { limit: 32 * 2 ** 20 },
      pids: { limit: 4 },
      cpu: { shares: 512, quota: 50_000, period: 100_000 },
    };
    spec.process.args = [
      'sh',
      '-c',
      'for i in 1 2 3 4 5 6; do sleep 0.1 & done 2>&1; wait; head -c 200m /dev/zero | tail -c 100m > /dev/null; echo $?',
    ];
  });
  const { stdout } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
  assert.match(stdout, "can't fork");
});

root(test)('a container without --cgroup-manager has no cgroup of its own', () => {
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['cat', '/proc/self/cgroup'];
    spec.mounts = spec.mounts.filter(({ type }) => type !== 'cgroup');
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'cgroup');
    delete spec.linux.resources;
  });
  const out = lab.ok(['--cgroup-manager', 'disabled', 'run', '--bundle', bundle, lab.name()]);
  assert.is(out, readFileSync('/proc/self/cgroup', 'utf8'));
});

lab.finish(test);
