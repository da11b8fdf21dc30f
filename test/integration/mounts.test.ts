import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mount } from '../../ts/spec/types.js';
import { Lab, type Mutate } from '../support/lab.js';
import { type MountInfo, parseMountInfo } from '../support/mountinfo.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');
const privately = { rootfs: 'private' } as const;

/** A folder of the host with a file in it. */
function source(): string {
  const folder = join(lab.folder, lab.name());
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'content\n');
  return folder;
}

const add =
  (...mounts: Mount[]): Mutate =>
  (spec) => {
    spec.mounts.push(...mounts);
  };

/** The mounts that a container sees, the last one on each place. */
function mountsInside(mutate: Mutate): ReadonlyMap<string, MountInfo> {
  return parseMountInfo(lab.inside('cat /proc/self/mountinfo', mutate, privately));
}

function optionsOf(mount: Mount): readonly string[] {
  const info = mountsInside(add(mount)).get(mount.destination);
  assert.ok(info, `there is no mount on ${mount.destination}`);
  return info.options;
}

root(test)('a bind mount shows the folder, and what is written comes out again', () => {
  const folder = source();
  const out = lab.inside(
    'cat /data/file; echo new > /data/made; cat /one',
    add(
      { destination: '/data', source: folder, options: ['bind'] },
      { destination: '/one', type: 'bind', source: join(folder, 'file') },
    ),
    privately,
  );
  assert.is(out, 'content\ncontent');
  assert.is(readFileSync(join(folder, 'made'), 'utf8'), 'new\n');
});

root(test)('a relative source is looked for in the bundle', () => {
  const out = lab.inside(
    'cat /data/file',
    (spec, bundle) => {
      mkdirSync(join(bundle, 'volume'));
      writeFileSync(join(bundle, 'volume/file'), 'from the bundle');
      spec.mounts.push({ destination: '/data', source: 'volume', options: ['bind'] });
    },
    privately,
  );
  assert.is(out, 'from the bundle');
});

for (const [options, expected] of [
  [['ro'], ['ro']],
  [
    ['nosuid', 'nodev', 'noexec'],
    ['nosuid', 'nodev', 'noexec'],
  ],
  [['noatime'], ['noatime']],
  [
    ['nodiratime', 'relatime'],
    ['nodiratime', 'relatime'],
  ],
  [['nosymfollow'], ['nosymfollow']],
  [['ro', 'rw', 'nosuid', 'suid'], ['rw']],
  [
    ['ro', 'noexec', 'exec', 'nodev'],
    ['ro', 'nodev'],
  ],
] as const) {
  root(test)(`a bind mount with ${options.join(',')}`, () => {
    const found = optionsOf({
      destination: '/data',
      source: source(),
      options: ['bind', ...options],
    });
    for (const option of expected) assert.ok(found.includes(option), `${option} in ${found}`);
    for (const option of ['nosuid', 'noexec', 'nodev', 'nosymfollow', 'ro']) {
      const wanted = (expected as readonly string[]).includes(option);
      assert.is(found.includes(option), wanted, `${option} in ${found}`);
    }
  });
}

/** Makes a folder with another file system mounted in it, in a mount namespace of its own, and runs a container there. */
function insideWithSubmount(options: readonly string[]): ReadonlyMap<string, MountInfo> {
  const folder = source();
  mkdirSync(join(folder, 'sub'));
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['cat', '/proc/self/mountinfo'];
    spec.mounts.push({ destination: '/data', source: folder, options: [...options] });
  }, privately);
  return parseMountInfo(
    lab.withMounts(`mount -t tmpfs tmpfs ${folder}/sub`, ['run', '--bundle', bundle, lab.name()]),
  );
}

root(test)('rbind takes what is mounted below along, bind does not', () => {
  assert.ok(insideWithSubmount(['rbind']).has('/data/sub'));
  assert.not(insideWithSubmount(['bind']).has('/data/sub'));
});

root(test)('ro is of the mount alone, rro of all below it', () => {
  const plain = insideWithSubmount(['rbind', 'ro']);
  assert.ok(plain.get('/data')?.options.includes('ro'));
  assert.ok(plain.get('/data/sub')?.options.includes('rw'));
  const recursive = insideWithSubmount(['rbind', 'rro', 'rnoexec']);
  for (const path of ['/data', '/data/sub']) {
    assert.ok(recursive.get(path)?.options.includes('ro'), path);
    assert.ok(recursive.get(path)?.options.includes('noexec'), path);
  }
});

for (const [option, pattern] of [
  ['shared', /^shared:\d+/],
  ['slave', /^$|^master:\d+/],
  ['private', /^$/],
  ['unbindable', /^unbindable$/],
] as const) {
  root(test)(`the propagation of a mount can be ${option} and r${option}`, () => {
    const one = insideWithSubmount(['rbind', option]);
    assert.match(one.get('/data')?.propagation ?? '-', pattern);
    const all = insideWithSubmount(['rbind', `r${option}`]);
    for (const path of ['/data', '/data/sub']) {
      assert.match(all.get(path)?.propagation ?? '-', pattern, path);
    }
  });
}

root(test)('a tmpfs has its size and mode, and can be read-only', () => {
  const out = lab.inside(
    'stat -c %a /a; df -k /a | tail -1; touch /b/x 2>&1; true',
    add(
      { destination: '/a', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'mode=0711'] },
      { destination: '/b', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
    ),
    privately,
  );
  assert.match(out, /^711\n\S+\s+64 /);
  assert.match(out, '/b/x: Read-only file system');
});

root(test)('mqueue, devpts, shm, proc and sysfs are what they claim to be', () => {
  const mounts = mountsInside(() => {});
  const types = ['/dev/mqueue', '/dev/pts', '/dev/shm', '/proc', '/sys', '/dev'].map(
    (path) => mounts.get(path)?.type,
  );
  assert.equal(types, ['mqueue', 'devpts', 'tmpfs', 'proc', 'sysfs', 'tmpfs']);
  assert.ok(mounts.get('/sys')?.options.includes('ro'));
});

root(test)('an overlay takes more options than fit into a page of mount(2) arguments', () => {
  const layers = Array.from({ length: 12 }, (_, index) => {
    const folder = join(
      lab.folder,
      `layer-with-a-rather-long-name-to-make-the-options-long-${index}`,
    );
    mkdirSync(folder);
    writeFileSync(join(folder, `from-${index}`), '');
    return folder;
  });
  const [upper, work] = [source(), source()];
  const out = lab.inside(
    'ls /data | wc -l; echo x > /data/new',
    add({
      destination: '/data',
      type: 'overlay',
      source: 'overlay',
      options: [`lowerdir=${layers.join(':')}`, `upperdir=${upper}`, `workdir=${work}`],
    }),
    privately,
  );
  assert.is(out.trim(), '13', 'twelve layers with a file each, and the one of the upper');
  assert.ok(existsSync(join(upper, 'new')));
});

root(test)('remount changes the options of what is there', () => {
  const found = mountsInside(
    add(
      { destination: '/data', source: source(), options: ['bind'] },
      { destination: '/data', options: ['remount', 'bind', 'ro', 'noexec'] },
    ),
  ).get('/data');
  assert.ok(found?.options.includes('ro') && found.options.includes('noexec'));
});

root(test)('targets that are missing are made, as folders or as files', () => {
  const folder = source();
  const bundle = lab.bundle(
    add(
      { destination: '/new/deep/folder', source: folder, options: ['bind'] },
      { destination: '/new/deep/file', source: join(folder, 'file'), options: ['bind'] },
    ),
    privately,
  );
  lab.ok(['run', '--bundle', bundle, lab.name()]);
  assert.ok(statSync(join(bundle, 'rootfs/new/deep/folder')).isDirectory());
  assert.ok(statSync(join(bundle, 'rootfs/new/deep/file')).isFile());
});

root(test)('a target through links of the root file system stays inside it', () => {
  const outside = source();
  const out = lab.inside(
    'cat /proc/self/mountinfo',
    (spec, bundle) => {
      symlinkSync(outside, join(bundle, 'rootfs/absolute'));
      symlinkSync('../../../../../../../tmp', join(bundle, 'rootfs/var/up'));
      for (const destination of ['/absolute/in', '/var/up/in']) {
        spec.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' });
      }
    },
    privately,
  );
  const mounts = parseMountInfo(out);
  assert.ok(mounts.has(`${outside}/in`) && mounts.has('/tmp/in'), out);
  assert.not(existsSync(join(outside, 'in')));
});

root(test)('nothing is mounted over parts of /proc, and nothing but procfs on it', () => {
  const tmpfs = (destination: string): Mount => ({ destination, type: 'tmpfs', source: 'tmpfs' });
  assert.match(lab.refuses(add(tmpfs('/proc/sys'))), '/proc/sys');
  assert.match(lab.refuses(add(tmpfs('/proc'))), 'proc');
  assert.match(lab.refuses(add(tmpfs('/tmp/../proc/self'))), '/proc/self');
});

root(test)('a source or a file system that is not there is named', () => {
  const bind = add({ destination: '/data', source: '/nonexistent/x', options: ['bind'] });
  assert.match(lab.refuses(bind, privately), /"\/nonexistent\/x".*no such file or directory/);
  const unknown = add({ destination: '/data', type: 'nofs', source: 'x' });
  assert.match(lab.refuses(unknown, privately), /"nofs" on "\/data".*no such file system/);
  const option = add({ destination: '/data', type: 'tmpfs', source: 'x', options: ['nonsense=1'] });
  assert.match(lab.refuses(option, privately), 'nonsense');
});

lab.finish(test);
