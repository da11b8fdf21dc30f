import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
/** Kept between runs: making it takes a minute. */
const rootfs = '/var/tmp/tsrunc-debian';

function debianRoot(): boolean {
  if (existsSync(rootfs)) return true;
  if (process.geteuid?.() !== 0 || spawnSync('debootstrap', ['--version']).status !== 0)
    return false;
  // Made beside and renamed, so that an interrupted run leaves no half of it.
  const half = `${rootfs}.${process.pid}`;
  const { status } = spawnSync('debootstrap', ['--variant=minbase', 'stable', half], {
    stdio: 'ignore',
    timeout: 200_000,
  });
  if (status === 0) renameSync(half, rootfs);
  else rmSync(half, { recursive: true, force: true });
  return status === 0;
}

const debian = skipUnless(debianRoot(), 'root and a debootstrap that can reach a mirror');

const onDebian: Mutate = (spec) => {
  spec.root = { path: rootfs, readonly: true };
};

debian(test)("Debian's programs run", () => {
  assert.match(lab.inside('apt-get --version', onDebian), /^apt \d/);
  assert.is(lab.inside('id', onDebian), 'uid=0(root) gid=0(root) groups=0(root)');
  assert.match(lab.inside('getent passwd daemon', onDebian), /^daemon:x:1:1:/);
});

debian(test)('they see the devices and the namespaces', () => {
  const devices = lab.inside('ls -l /dev', onDebian);
  for (const name of ['null', 'zero', 'full', 'random', 'urandom', 'tty']) {
    assert.match(devices, new RegExp(`^crw-rw-rw- .* ${name}$`, 'm'));
  }
  assert.match(devices, / ptmx -> pts\/ptmx$/m);
  const namespaces = lab.inside('ls -l /proc/self/ns', onDebian);
  for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']) {
    assert.match(namespaces, new RegExp(` ${name} -> '?${name}:\\[\\d+\\]`));
  }
});

debian(test)('a user of its /etc/passwd works in its home', () => {
  const out = lab.inside('id -un; pwd; echo $HOME; perl -e "print 6 * 7"', (spec, bundle) => {
    onDebian(spec, bundle);
    spec.process.user = { uid: 2, gid: 2 };
    spec.process.cwd = '/bin';
  });
  assert.equal(out.split('\n').slice(0, 1), ['bin']);
  assert.match(out, /\/bin\n42$/);
});

lab.finish(test);
