import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
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

const add =
  (...mounts: Mount[]): Mutate =>
  (spec) => {
    spec.mounts.push(...mounts);
  };

/** A folder with two file systems in it, the host's mounts having these options, as a container sees it at /data. */
function tree(options: readonly string[], ofHost = 'rw'): ReadonlyMap<string, MountInfo> {
  const folder = join(lab.folder, lab.name());
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['cat', '/proc/self/mountinfo'];
    spec.mounts.push({ destination: '/data', source: folder, options: ['rbind', ...options] });
  }, privately);
  const mount = (path: string): string => `mkdir ${path}; mount -t tmpfs tmpfs ${path}`;
  // The attributes of the host's mounts are set when all are there: one may be read-only.
  const attributes = ['', '/sub', '/sub/below'].map(
    (path) => `mount -o remount,bind,${ofHost} ${folder}${path}`,
  );
  const script = [
    mount(folder),
    mount(`${folder}/sub`),
    mount(`${folder}/sub/below`),
    ...attributes,
  ].join('; ');
  return parseMountInfo(lab.withMounts(script, ['run', '--bundle', bundle, lab.name()]));
}

const paths = ['/data', '/data/sub', '/data/sub/below'];

/** Whether each of the mounts has an option. */
const having = (mounts: ReadonlyMap<string, MountInfo>, option: string): boolean[] =>
  paths.map((path) => mounts.get(path)?.options.includes(option) ?? false);

const all = [true, true, true];
const top = [true, false, false];
const none = [false, false, false];

/** Each attribute: the name that sets it, the one that takes it away, and what mountinfo shows. */
for (const [sets, clears, shown] of [
  ['ro', 'rw', 'ro'],
  ['nosuid', 'suid', 'nosuid'],
  ['nodev', 'dev', 'nodev'],
  ['noexec', 'exec', 'noexec'],
  ['nodiratime', 'diratime', 'nodiratime'],
  ['nosymfollow', 'symfollow', 'nosymfollow'],
  ['noatime', 'atime', 'noatime'],
  ['noatime', 'relatime', 'noatime'],
  ['noatime', 'norelatime', 'noatime'],
  ['noatime', 'nostrictatime', 'noatime'],
] as const) {
  root(test)(`${sets} and r${sets}, ${clears} and r${clears}`, () => {
    assert.equal(having(tree([sets]), shown), top, sets);
    assert.equal(having(tree([`r${sets}`]), shown), all, `r${sets}`);
    const without = top.map((value) => !value);
    assert.equal(having(tree([clears], sets), shown), without, clears);
    assert.equal(having(tree([`r${clears}`], sets), shown), none, `r${clears}`);
    // The later of two that contradict each other wins.
    assert.equal(having(tree([`r${sets}`, `r${clears}`]), shown), none);
  });
}

root(test)('strictatime and rstrictatime', () => {
  const updates = (options: string[]): boolean[] => {
    const mounts = tree(options);
    return paths.map((path) => !/\b(rel|no)atime/.test(mounts.get(path)?.options.join() ?? ''));
  };
  assert.equal(updates(['strictatime']), top);
  assert.equal(updates(['rstrictatime']), all);
  assert.equal(updates(['rstrictatime', 'rnostrictatime']), none);
});

root(test)('a plain and a recursive option for the same mounts: each where it reaches', () => {
  const mounts = tree(['ro', 'rnodev', 'noexec']);
  assert.equal(having(mounts, 'ro'), top);
  assert.equal(having(mounts, 'nodev'), all);
  assert.equal(having(mounts, 'noexec'), top);
});

root(test)('nosymfollow keeps links from being followed, symfollow does not', () => {
  const folder = join(lab.folder, lab.name());
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'found');
  symlinkSync('file', join(folder, 'link'));
  const read = (option: string): string =>
    lab.inside(
      'cat /data/link 2>&1; true',
      add({ destination: '/data', source: folder, options: ['bind', option] }),
      privately,
    );
  assert.match(read('nosymfollow'), 'Too many levels of symbolic links');
  assert.is(read('symfollow'), 'found');
});

root(test)('a relative destination is one from the root', () => {
  const out = lab.inside(
    'cat /proc/self/mountinfo',
    add(
      { destination: 'relative/place', type: 'tmpfs', source: 'tmpfs' },
      { destination: '../../up', type: 'tmpfs', source: 'tmpfs' },
    ),
    privately,
  );
  const mounts = parseMountInfo(out);
  assert.ok(mounts.has('/relative/place') && mounts.has('/up'), out);
});

for (const option of ['sync', 'dirsync', 'lazytime', 'mand']) {
  root(test)(`${option} is of the file system, and can be taken back`, () => {
    const [on, off] = [[option], [option, option === 'sync' ? 'async' : `no${option}`]];
    const out = lab.inside(
      'cat /proc/self/mountinfo',
      add(
        { destination: '/on', type: 'tmpfs', options: on },
        ...(option === 'dirsync' ? [] : [{ destination: '/off', type: 'tmpfs', options: off }]),
      ),
      privately,
    );
    const mounts = parseMountInfo(out);
    assert.ok(mounts.get('/on')?.superOptions.includes(option), out);
    if (option !== 'dirsync') assert.not(mounts.get('/off')?.superOptions.includes(option), out);
  });
}

root(test)('iversion, which only mount(2) can set, and options that ask for nothing', () => {
  const options = ['iversion', 'size=64k', 'mode=711', 'defaults', 'silent', 'loud', 'noexec'];
  const out = lab.inside(
    'stat -c %a /data; grep " /data " /proc/self/mountinfo',
    add(
      { destination: '/data', type: 'tmpfs', options },
      { destination: '/other', type: 'tmpfs', options: ['noiversion'] },
    ),
    privately,
  );
  const [mode, info = ''] = out.split('\n');
  const found = parseMountInfo(info).get('/data');
  assert.is(mode, '711');
  assert.ok(found?.options.includes('noexec') && found.superOptions.includes('size=64k'), info);
});

root(test)('remount changes the size of a tmpfs, with bind only the mount', () => {
  const out = lab.inside(
    'cat /proc/self/mountinfo; df -k /data | tail -1 | awk "{print \\$2}"',
    add(
      { destination: '/data', type: 'tmpfs', options: ['size=64k'] },
      { destination: '/data', options: ['remount', 'size=128k', 'nosuid'] },
    ),
    privately,
  );
  assert.match(out, /\n128$/);
  const found = parseMountInfo(out.replace(/\n128$/, '')).get('/data');
  assert.ok(found?.options.includes('nosuid') && found.superOptions.includes('size=128k'), out);
  const bad = add(
    { destination: '/data', type: 'tmpfs' },
    { destination: '/data', options: ['remount', 'nonsense=1'] },
  );
  assert.match(lab.refuses(bad, privately), 'nonsense');
});

const plain = skipUnless(
  process.geteuid?.() === 0 && !existsSync('/sys/fs/selinux/enforce'),
  'root, no SELinux',
);

plain(test)('a mount label on a host without SELinux is refused', () => {
  const message = lab.refuses((spec) => {
    spec.linux.mountLabel = 'system_u:object_r:container_file_t:s0:c1,c2';
  });
  assert.match(message, 'linux.mountLabel: SELinux is not enabled on this host');
});

lab.finish(test);
