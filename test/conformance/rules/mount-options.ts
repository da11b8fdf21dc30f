import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bind, type Mount, tmpfs } from '../config.js';
import type { Context } from '../context.js';
import { type MountLine, parseMounts } from '../host.js';
import { section } from '../rule.js';

const options = section('config.md#configLinuxMountOptions', 'Linux mount options');

/** The mounts at and below /data in a container that has these mounts. */
async function seen(t: Context, ...mounts: Mount[]): Promise<MountLine[]> {
  const text = await t.inside('cat /proc/self/mountinfo', (config) => {
    config.mounts.push(...mounts);
  });
  return parseMounts(text).filter(({ target }) => /^\/data(\/|$)/.test(target));
}

type Flags = (line: MountLine) => readonly string[];
const ofMount: Flags = ({ options }) => options;
const ofFileSystem: Flags = ({ superOptions }) => superOptions;

/** Options that set a flag that the kernel shows. Each is seen to come on and, with its opposite after it, to go. */
const flags: readonly [on: string, off: string, shown: string, where: Flags][] = [
  ['ro', 'rw', 'ro', ofMount],
  ['nosuid', 'suid', 'nosuid', ofMount],
  ['nodev', 'dev', 'nodev', ofMount],
  ['noexec', 'exec', 'noexec', ofMount],
  ['noatime', 'atime', 'noatime', ofMount],
  ['nodiratime', 'diratime', 'nodiratime', ofMount],
  ['relatime', 'norelatime', 'relatime', ofMount],
  ['strictatime', 'nostrictatime', '', ofMount],
  ['nosymfollow', 'symfollow', 'nosymfollow', ofMount],
  ['sync', 'async', 'sync', ofFileSystem],
  ['lazytime', 'nolazytime', 'lazytime', ofFileSystem],
];
for (const [on, off, shown, where] of flags) {
  const add = on === 'nosymfollow' ? options.should : options.must;
  // With strictatime neither noatime nor relatime is shown.
  const isOn = (line: MountLine): boolean =>
    shown === ''
      ? !where(line).some((flag) => flag === 'relatime' || flag === 'noatime')
      : where(line).includes(shown);
  add(on, `${on} is applied`, async (t) => {
    const [line] = await seen(t, tmpfs('/data', on));
    assert.ok(line && isOn(line), JSON.stringify(line));
  });
  // norelatime asks for nothing else, so the kernel's default, relatime, may stay.
  if (off === 'norelatime' || off === 'nostrictatime') continue;
  add(off, `${off} takes ${on} back`, async (t) => {
    const [line] = await seen(t, tmpfs('/data', on, off));
    assert.ok(line && !isOn(line), JSON.stringify(line));
  });
}

options.must('dirsync', 'dirsync is applied', async (t) => {
  const [line] = await seen(t, tmpfs('/data', 'dirsync'));
  assert.ok(line?.superOptions.includes('dirsync'), JSON.stringify(line));
});

/** Nothing of these can be seen afterwards: they must not be taken for something else. */
for (const name of [
  'defaults',
  'iversion',
  'noiversion',
  'norelatime',
  'nostrictatime',
  'silent',
  'loud',
]) {
  options.must(name, `${name} is known`, async (t) => {
    const [line] = await seen(t, tmpfs('/data', name));
    assert.equal(line?.type, 'tmpfs');
  });
}
for (const name of ['mand', 'nomand']) {
  options.may(name, `${name} is known`, async (t) => {
    const [line] = await seen(t, tmpfs('/data', name));
    assert.equal(line?.type, 'tmpfs');
  });
}

options.must('remount', 'remount changes the mount that is there', async (t) => {
  const lines = await seen(t, tmpfs('/data', 'rw'), tmpfs('/data', 'remount', 'ro'));
  assert.equal(lines.length, 1, 'there is one mount');
  assert.ok(lines[0]?.options.includes('ro') || lines[0]?.superOptions.includes('ro'));
});

/** A tree of the host: a mount with another one at `inner`. */
function tree(t: Context): string {
  const source = t.mounted('tree');
  mkdirSync(join(source, 'inner'));
  writeFileSync(join(source, 'file'), '');
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(source, 'inner')]);
  return source;
}

options.must('bind', 'bind binds the source alone', async (t) => {
  const lines = await seen(t, bind(tree(t), '/data'));
  assert.deepEqual(
    lines.map(({ target }) => target),
    ['/data'],
  );
});

options.must('rbind', 'rbind binds what is mounted below the source too', async (t) => {
  const lines = await seen(t, { ...bind(tree(t), '/data'), options: ['rbind'] });
  assert.deepEqual(
    lines.map(({ target }) => target),
    ['/data', '/data/inner'],
  );
});

options.must('bind-flags', 'a bind mount takes ro, nosuid, nodev, noexec', async (t) => {
  const [line] = await seen(t, bind(tree(t), '/data', 'ro', 'nosuid', 'nodev', 'noexec'));
  for (const flag of ['ro', 'nosuid', 'nodev', 'noexec'])
    assert.ok(line?.options.includes(flag), flag);
});

const recursive: readonly [on: string, off: string, shown: string][] = [
  ['rro', 'rrw', 'ro'],
  ['rnosuid', 'rsuid', 'nosuid'],
  ['rnodev', 'rdev', 'nodev'],
  ['rnoexec', 'rexec', 'noexec'],
  ['rnoatime', 'ratime', 'noatime'],
  ['rnodiratime', 'rdiratime', 'nodiratime'],
  ['rrelatime', 'rnorelatime', 'relatime'],
  ['rstrictatime', 'rnostrictatime', ''],
  ['rnosymfollow', 'rsymfollow', 'nosymfollow'],
];
for (const [on, off, shown] of recursive) {
  const isOn = ({ options }: MountLine): boolean =>
    shown === ''
      ? !options.some((flag) => flag === 'relatime' || flag === 'noatime')
      : options.includes(shown);
  options.should(on, `${on} is applied to the mount and all below it`, async (t) => {
    const lines = await seen(t, { ...bind(tree(t), '/data'), options: ['rbind', on] });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.ok(isOn(line), JSON.stringify(line));
  });
  options.should(off, `${off} is known, and takes its flag from all below`, async (t) => {
    const source = tree(t);
    if (!['rrelatime', 'rstrictatime'].includes(on)) {
      for (const place of [source, join(source, 'inner')])
        execFileSync('mount', ['-o', `remount,bind,${shown}`, place]);
    }
    const lines = await seen(t, { ...bind(source, '/data'), options: ['rbind', off] });
    assert.equal(lines.length, 2);
    if (['rrelatime', 'rstrictatime'].includes(on)) return;
    for (const line of lines) assert.ok(!isOn(line), JSON.stringify(line));
  });
}

const propagations: readonly [name: string, expected: RegExp][] = [
  ['private', /^$/],
  ['shared', /^shared:\d+$/],
  ['slave', /^master:\d+$/],
  ['unbindable', /^unbindable$/],
];
for (const [name, expected] of propagations) {
  for (const recursively of [false, true]) {
    const option = recursively ? `r${name}` : name;
    const text = `${option} makes the mount ${name}${recursively ? ', and all below it' : ''}`;
    options.must(option, text, async (t) => {
      const source = tree(t);
      execFileSync('mount', [name === 'shared' ? '--make-rprivate' : '--make-rshared', source]);
      const mount = { ...bind(source, '/data'), options: ['rbind', option] };
      const [top, below] = await seen(t, mount);
      assert.match(top?.propagation.join(' ') ?? 'no mount', expected);
      if (recursively) assert.match(below?.propagation.join(' ') ?? 'no mount', expected);
    });
  }
}

options.may('tmpcopyup', 'tmpcopyup fills the tmpfs with what it covers', async (t) => {
  const text = await t.inside(
    'cat /data/file; grep -c " /data " /proc/self/mountinfo',
    (config, bundle) => {
      writeFileSync(join(bundle, 'rootfs/data/file'), 'text\n');
      config.mounts.push(tmpfs('/data', 'tmpcopyup'));
    },
  );
  assert.equal(text, 'text\n1');
});

options.should('file-system', 'unknown options go to the file system', async (t) => {
  const [line] = await seen(t, tmpfs('/data', 'size=123k', 'mode=710', 'nr_inodes=77'));
  // tmpfs counts whole pages.
  for (const option of ['size=124k', 'mode=710', 'nr_inodes=77'])
    assert.ok(line?.superOptions.includes(option), option);
});

options.should('file-system-refuses', 'an option that nobody knows is an error', async (t) => {
  await t.refuses((config) => {
    config.mounts.push(tmpfs('/data', 'no-such-option'));
  });
});

export const sections = [options];
