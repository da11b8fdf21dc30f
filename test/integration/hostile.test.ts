/** What neighbours and images have tried, and must not get. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('hostile');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const python = skipUnless(
  process.geteuid?.() === 0 && spawnSync('python3', ['--version']).status === 0,
  'root and python3',
);
const lab = new Lab();

root(test)("a user namespace's root can't undo what the host's mounts forbid and cover", () => {
  // Where the container's root can get to: what it can't reach is opened for it.
  const source = mkdtempSync('/tmp/tsrunc-hostile-');
  mkdirSync(join(source, 'secret'), { recursive: true });
  writeFileSync(join(source, 'secret/file'), 'hidden');
  const bundle = lab.bundle((spec) => {
    const all = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE'];
    spec.process.capabilities = { bounding: all, effective: all, permitted: all };
    spec.process.args = [
      'sh',
      '-c',
      'mount -o remount,bind,rw /tmp; echo x > /tmp/new; umount /tmp/secret; cat /tmp/secret/file; echo end',
    ];
    spec.linux.namespaces.push({ type: 'user' });
    spec.linux.uidMappings = [{ containerID: 0, hostID: 200_000, size: 1000 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 1000 }];
    spec.mounts.push({ destination: '/tmp', type: 'bind', source, options: ['rbind'] });
  });
  execFileSync('chmod', ['777', source, join(source, 'secret')]);
  try {
    const out = lab.withMounts(
      `mount --bind ${source} ${source}; mount -o remount,bind,ro ${source}; mount -t tmpfs none ${source}/secret`,
      ['run', '--bundle', bundle, lab.name()],
    );
    assert.is(out, 'end\n');
    assert.throws(() => statSync(join(source, 'new')), /ENOENT/);
  } finally {
    rmSync(source, { recursive: true });
  }
});

root(test)('a link in a joined mount namespace does not lead to another root', async () => {
  const bundle = lab.bundle(() => {}, { rootfs: 'private' });
  const rootfs = join(bundle, 'rootfs');
  // Its owner has put a link in the place of the root file system, as it looks in there.
  const owner = spawn(
    'unshare',
    [
      '-m',
      'sh',
      '-ec',
      `mount -t tmpfs none ${bundle}; ln -s / ${rootfs}; echo ready; exec sleep 1000`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exit = once(owner, 'exit');
  try {
    await once(owner.stdout, 'data');
    const spec = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    spec.linux.namespaces = spec.linux.namespaces.filter(
      ({ type }: { type: string }) => type !== 'mount',
    );
    spec.linux.namespaces.push({ type: 'mount', path: `/proc/${owner.pid}/ns/mnt` });
    Object.assign(spec, { mounts: [], process: { ...spec.process, args: ['ls', '/'] } });
    Object.assign(spec.linux, { maskedPaths: [], readonlyPaths: [] });
    spec.root.readonly = false;
    lab.writeConfig(bundle, spec);
    assert.match(lab.fails(['run', '--bundle', bundle, lab.name()]), /rootfs.*symbolic link/);
  } finally {
    owner.kill('SIGKILL');
    await exit;
  }
});

python(test)("another user's keyring of the container's name is not joined", async () => {
  const id = lab.name();
  // keyctl(2): 1 is KEYCTL_JOIN_SESSION_KEYRING, 5 KEYCTL_SETPERM.
  const [keyctl, addKey] = process.arch === 'x64' ? [250, 248] : [219, 217];
  const script = `
import ctypes, os, sys, time
os.setgid(65534); os.setuid(65534)
libc = ctypes.CDLL(None)
keyring = libc.syscall(${keyctl}, 1, b"_ses.${id}")
libc.syscall(${keyctl}, 5, keyring, 0x3f3f3f3f)
libc.syscall(${addKey}, b"user", b"marker", b"x", 1, keyring)
print(keyring, flush=True)
time.sleep(1000)`;
  const neighbour = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(neighbour, 'exit');
  try {
    await once(neighbour.stdout, 'data');
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['cat', '/proc/keys'];
      spec.linux.maskedPaths = [];
    });
    const keys = lab.ok(['run', '--bundle', bundle, id]);
    // Only who possesses its keyring sees the key.
    assert.not.match(keys, 'marker');
  } finally {
    neighbour.kill('SIGKILL');
    await exit;
  }
});

root(test)("an image's endless /etc/passwd does not keep the start", () => {
  const bundle = lab.bundle(
    (spec, folder) => {
      spec.process.user = { uid: 4242, gid: 4242 };
      spec.process.args = ['sh', '-c', 'echo $HOME'];
      truncateSync(join(folder, 'rootfs/etc/passwd'), 2 ** 40);
    },
    { rootfs: 'private' },
  );
  assert.is(lab.ok(['run', '--bundle', bundle, lab.name()]), '/\n');
});

root(test)("--no-pivot with a shared root leaves the host's proc and sys where they are", () => {
  const bundle = lab.bundle((spec) => void (spec.linux.rootfsPropagation = 'rshared'));
  const count = 'ls /proc/self /sys | wc -l';
  const out = lab.withMounts(
    `mount --bind ${lab.rootfs} ${lab.rootfs}; mount --make-rshared /; ${count}`,
    ['run', '--no-pivot', '--bundle', bundle, lab.name()],
    count,
  );
  const [before, after] = out.trim().split('\n').slice(-2);
  assert.is(after, before);
});

lab.finish(test);
