/** `npm run bundle`: makes bundle-fixtures/busybox/rootfs from this machine's static busybox. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { staticBusybox } from './requirements.mjs';
import { isMain, main, root, StepError } from './steps.mjs';

/** Writes a root file system with busybox and all its names to `target`, which must not exist. */
export function makeRootfs(target) {
  const busybox = staticBusybox();
  if (busybox === undefined)
    throw new StepError('There is no static busybox here: run `npm run setup`.');
  for (const folder of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr', 'var']) {
    mkdirSync(join(target, folder), { recursive: true });
  }
  mkdirSync(join(target, 'tmp'));
  chmodSync(join(target, 'tmp'), 0o1777);
  copyFileSync(busybox, join(target, 'bin/busybox'));
  chmodSync(join(target, 'bin/busybox'), 0o755);
  const names = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n');
  for (const name of names) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(target, 'bin', name));
  }
  symlinkSync('bin', join(target, 'sbin'));
  symlinkSync('../bin', join(target, 'usr/bin'));
  symlinkSync('../bin', join(target, 'usr/sbin'));
  writeFileSync(
    join(target, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000:guest:/home:/bin/sh\n',
  );
  writeFileSync(join(target, 'etc/group'), 'root:x:0:\nguest:x:1000:\n');
  writeFileSync(join(target, 'etc/hosts'), '127.0.0.1 localhost\n');
}

/** The committed bundle, with its root file system made if it isn't there. Returns the bundle's path. */
export function busyboxBundle() {
  const bundle = join(root, 'bundle-fixtures/busybox');
  const rootfs = join(bundle, 'rootfs');
  if (existsSync(rootfs)) return bundle;
  // Made beside and renamed, so that an interrupted run leaves no half of it.
  const half = `${rootfs}.${process.pid}`;
  try {
    makeRootfs(half);
    renameSync(half, rootfs);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
  return bundle;
}

if (isMain(import.meta.url)) await main(() => console.log(busyboxBundle()));
