import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { Lab, type Mutate, type TestSpec } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const native = loadNative();
const root = skipUnless(process.geteuid?.() === 0, 'root');

/** The names in the specification and those in /proc/PID/ns. */
const files = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
} as const;
type Type = keyof typeof files;

const namespaceOf = (pid: number | 'self', type: Type): string =>
  readlinkSync(`/proc/${pid}/ns/${files[type]}`);

/** Takes everything out of the configuration that needs one of these namespaces. */
function without(spec: TestSpec, ...types: Type[]): void {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => !types.includes(type as Type));
  if (types.includes('uts')) delete spec.hostname;
}

const userMappings: Mutate = (spec) => {
  spec.linux.namespaces.push({ type: 'user' });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 300_000, size: 65_536 }];
};

root(test)('all eight kinds of namespaces are new when they have no path', () => {
  const bundle = lab.bundle((spec, folder) => {
    userMappings(spec, folder);
    spec.linux.namespaces.push({ type: 'time' });
  });
  const { id, pid } = lab.create(bundle);
  for (const type of Object.keys(files) as Type[]) {
    assert.is.not(namespaceOf(pid, type), namespaceOf('self', type), type);
  }
  lab.ok(['delete', id]);
});

root(test)("those that aren't listed are the caller's", () => {
  const bundle = lab.bundle((spec) => {
    without(spec, 'cgroup', 'ipc', 'network', 'pid', 'uts');
    spec.mounts = [];
    spec.linux.maskedPaths = [];
    spec.linux.readonlyPaths = [];
  });
  const { id, pid } = lab.create(bundle);
  for (const type of Object.keys(files) as Type[]) {
    const same = namespaceOf(pid, type) === namespaceOf('self', type);
    assert.is(same, type !== 'mount', type);
  }
  lab.ok(['delete', id]);
});

root(test)("another container's namespaces are joined by path", async () => {
  const first = lab.create(
    lab.bundle((spec, folder) => {
      userMappings(spec, folder);
      spec.linux.namespaces.push({ type: 'time' });
    }),
  );
  const types = ['cgroup', 'ipc', 'network', 'pid', 'time', 'user', 'uts'] as const;
  const second = lab.create(
    lab.bundle((spec) => {
      spec.linux.namespaces = types.map((type) => ({
        type,
        path: `/proc/${first.pid}/ns/${files[type]}`,
      }));
      spec.linux.namespaces.push({ type: 'mount' });
      delete spec.hostname;
    }),
  );
  for (const type of types) {
    assert.is(namespaceOf(second.pid, type), namespaceOf(first.pid, type), type);
  }
  assert.is.not(namespaceOf(second.pid, 'mount'), namespaceOf(first.pid, 'mount'));
  // A pid namespace's first process ends when all others in it were reaped, and the second container's
  // parent is this process.
  const pidfd = native.openPidfd(second.pid);
  lab.ok(['delete', '--force', second.id]);
  await native.waitExit(pidfd);
  native.close(pidfd);
  lab.ok(['delete', '--force', first.id]);
});

root(test)('a mount namespace is joined by path, and the root found in it', async () => {
  const holder = spawn('unshare', ['-m', 'sh', '-c', 'echo ready; read stop']);
  await once(holder.stdout, 'data');
  const pid = holder.pid ?? 0;
  const bundle = lab.bundle((spec) => {
    without(spec, 'mount', 'pid');
    spec.linux.namespaces.push({ type: 'mount', path: `/proc/${pid}/ns/mnt` });
    spec.mounts = [];
    spec.root.readonly = false;
    spec.linux.maskedPaths = [];
    spec.linux.readonlyPaths = [];
  });
  const container = lab.create(bundle);
  assert.is(namespaceOf(container.pid, 'mount'), namespaceOf(pid, 'mount'));
  lab.ok(['delete', container.id]);
  holder.stdin.end('\n');
  await once(holder, 'exit');
});

root(test)('a path that is a namespace of another kind, or none, is refused', () => {
  const join =
    (path: string): Mutate =>
    (spec) => {
      without(spec, 'network');
      spec.linux.namespaces.push({ type: 'network', path });
    };
  assert.match(lab.refuses(join('/proc/self/ns/ipc')), '/proc/self/ns/ipc');
  assert.match(lab.refuses(join('/etc/passwd')), '/etc/passwd');
  assert.match(lab.refuses(join('/nonexistent')), 'no such file or directory');
});

root(test)(
  'a user namespace has its mappings, and the root file system is seen through them',
  () => {
    const out = lab.inside('cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g', userMappings);
    assert.equal(
      out.split('\n').map((line) => line.trim().split(/\s+/).join(' ')),
      ['0 200000 65536', '0 300000 65536', '0', '0'],
    );
  },
);

root(test)("the container's root is the mapped user on the host", () => {
  const { id, pid } = lab.start(
    lab.bundle((spec, folder) => {
      userMappings(spec, folder);
      spec.process.user = { uid: 5, gid: 6, additionalGids: [7] };
      spec.process.args = ['sh', '-c', 'echo ready; sleep 1000'];
    }),
  );
  const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status(pid), /^Uid:\t200005\t200005\t200005\t200005$/m);
  assert.match(status(pid), /^Gid:\t300006\t300006\t300006\t300006$/m);
  assert.match(status(pid), /^Groups:\t300007 $/m);
  lab.ok(['delete', '--force', id]);
});

root(test)('loopback is up in a new network namespace', () => {
  assert.match(lab.inside('ip -o addr show lo'), /inet 127\.0\.0\.1\/8/);
  assert.match(lab.inside('cat /sys/class/net/lo/flags'), '0x9');
});

root(test)('hostname, domain name and the sysctls of namespaces are set', () => {
  const out = lab.inside(
    'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
    (spec) => {
      spec.hostname = 'box';
      spec.domainname = 'example.org';
      spec.linux.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '12345' };
    },
  );
  assert.equal(out.split('\n'), ['box', 'example.org', '1', '12345']);
});

root(test)('a sysctl that is not there, or a value that it refuses, is named', () => {
  const set =
    (name: string, value: string): Mutate =>
    (spec) => {
      spec.linux.sysctl = { [name]: value };
    };
  assert.match(lab.refuses(set('net.nothing', '1')), /net[./]nothing.*no such file/);
  assert.match(lab.refuses(set('kernel.msgmax', 'x')), 'invalid argument');
});

lab.finish(test);
