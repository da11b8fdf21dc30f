import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate, type TestSpec } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

const join_ =
  (type: string, path: string): Mutate =>
  (spec) => {
    const namespace = spec.linux.namespaces.find((candidate) => candidate.type === type);
    if (namespace !== undefined) namespace.path = path;
  };

/** Values that the host has anyway: a test that fails changes nothing. */
const ipForward = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
const shmmni = readFileSync('/proc/sys/kernel/shmmni', 'utf8').trim();

/** What would change a namespace, and the file of it in /proc/PID/ns. */
const changes: readonly (readonly [
  type: string,
  file: string,
  change: (spec: TestSpec) => void,
])[] = [
  ['network', 'net', (spec) => (spec.linux.sysctl = { 'net.ipv4.ip_forward': ipForward })],
  ['ipc', 'ipc', (spec) => (spec.linux.sysctl = { 'kernel/shmmni': shmmni })],
  ['uts', 'uts', (spec) => (spec.hostname = hostname())],
  ['uts', 'uts', (spec) => (spec.domainname = '(none)')],
  ['uts', 'uts', (spec) => (spec.linux.sysctl = { 'kernel.domainname': '(none)' })],
  ['mount', 'mnt', () => {}],
];

for (const [index, [type, file, change]] of changes.entries()) {
  const configure =
    (path: string): Mutate =>
    (spec, bundle) => {
      delete spec.hostname;
      change(spec);
      join_(type, path)(spec, bundle);
    };

  root(test)(`${index}: what is set in the ${type} namespace never is the host's by a path`, () => {
    for (const path of [`/proc/self/ns/${file}`, `/proc/${process.pid}/ns/${file}`]) {
      assert.match(lab.refuses(configure(path)), `${path}": this is the host's own namespace`);
    }
  });

  root(test)(`${index}: nor by a file that the ${type} namespace is bound to`, () => {
    if (type === 'mount') return; // The kernel binds a mount namespace only in an older one.
    const name = join(lab.folder, lab.name());
    writeFileSync(name, '');
    const bundle = lab.bundle(configure(name));
    const run = ['run', '--bundle', bundle, lab.name()];
    const script = `mount --bind /proc/self/ns/${file} ${name}`;
    assert.throws(() => lab.withMounts(script, run), /this is the host's own namespace/);
  });

  root(test)(
    `${index}: nor from a ${type} namespace of the caller's own back to the host's`,
    () => {
      const bundle = lab.bundle(configure(`/proc/1/ns/${file}`));
      const run = ['run', '--bundle', bundle, lab.name()];
      const flag = { net: '-n', ipc: '-i', uts: '-u', mnt: '-m' }[file];
      // In a pid namespace whose process 1 the test may look at.
      const own = `unshare ${flag} "$@"; exit $?`;
      const script = `set -- unshare -pf --mount-proc sh -c '${own}' sh "$@"`;
      assert.throws(() => lab.withMounts(script, run), /this is the host's own namespace/);
    },
  );
}

root(test)(
  "a path to the caller's own namespaces is good for a container that sets nothing there",
  () => {
    const net = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).trim();
    const inside = lab.inside('readlink /proc/self/ns/net', join_('network', '/proc/self/ns/net'));
    assert.is(inside, net);
  },
);

root(test)("another container's namespaces get what is set in them", () => {
  const first = lab.create(lab.bundle());
  const out = lab.inside(
    'hostname; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmni',
    (spec, bundle) => {
      for (const [type, file] of [
        ['network', 'net'],
        ['ipc', 'ipc'],
        ['uts', 'uts'],
      ] as const)
        join_(type, `/proc/${first.pid}/ns/${file}`)(spec, bundle);
      spec.hostname = 'shared';
      spec.linux.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmni': '77' };
    },
  );
  assert.equal(out.split('\n'), ['shared', '1', '77']);
  lab.ok(['delete', first.id]);
});

root(test)('sysctls of every namespace that has any, by dots and slashes', () => {
  const sysctl = {
    'net.ipv4.conf.lo.rp_filter': '2',
    'net/ipv4/conf/lo/forwarding': '1',
    'net/ipv4/ping_group_range': '3 4',
    'kernel.msgmax': '5001',
    'kernel.msgmnb': '5002',
    'kernel.msgmni': '503',
    'kernel.sem': '100 2000 30 40',
    'kernel.shmall': '5005',
    'kernel.shmmax': '5006',
    'kernel.shmmni': '57',
    'kernel.shm_rmid_forced': '1',
    'fs.mqueue.msg_max': '9',
    'fs/mqueue/queues_max': '8',
    'kernel.domainname': 'dots',
    'user.max_net_namespaces': '6',
  };
  const files = Object.keys(sysctl).map((key) => `/proc/sys/${key.replaceAll('.', '/')}`);
  const out = lab.inside(`cat ${files.join(' ')}`, (spec) => {
    spec.linux.namespaces.push({ type: 'user' });
    spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    spec.linux.sysctl = sysctl;
  });
  const values = out.split('\n').map((line) => line.replaceAll('\t', ' '));
  assert.equal(values, Object.values(sysctl));
});

root(test)("a sysctl is not written to what covers a part of the host's /proc", () => {
  const fake = join(lab.folder, lab.name());
  writeFileSync(fake, '');
  const bundle = lab.bundle((spec) => (spec.linux.sysctl = { 'kernel.domainname': 'x' }));
  const script = `mount --bind ${fake} /proc/sys/kernel/domainname`;
  const run = ['run', '--bundle', bundle, lab.name()];
  assert.throws(
    () => lab.withMounts(script, run),
    /write sysctl "kernel\/domainname".*cross-device/,
  );
  assert.is(readFileSync(fake, 'utf8'), '');
});

root(test)("a /proc of the image's own gets nothing that is for the kernel", () => {
  const planted = ['sys/net/ipv4/ip_forward', 'self/attr/exec', 'self/oom_score_adj'];
  const bundle = lab.bundle(
    (spec, folder) => {
      spec.mounts = [];
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
      spec.process.oomScoreAdj = 100;
      spec.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
      for (const file of planted) {
        const path = join(folder, 'rootfs/proc', file);
        execFileSync('mkdir', ['-p', join(path, '..')]);
        writeFileSync(path, '');
      }
      spec.process.args = ['sh', '-c', `cd /proc && cat ${planted.join(' ')} && echo untouched`];
    },
    { rootfs: 'private' },
  );
  assert.is(lab.ok(['run', '--bundle', bundle, lab.name()]), 'untouched\n');
});

lab.finish(test);
