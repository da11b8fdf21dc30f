import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { rootlessSpec } from '../../ts/spec/default.js';
import { command, Lab, type Mutate, type TestSpec } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { gone } from '../support/processes.js';
import { skipUnless } from '../support/skip.js';
import { testUser } from '../support/user.js';

const lab = new Lab('/tmp');
const native = loadNative();
const user = testUser();
const id = user?.id ?? -1;
const readable = spawnSync(command, ['--version'], { uid: id, gid: id }).status === 0;
const rootless = skipUnless(
  user !== undefined && readable,
  'useradd, and a tree that others may read',
);
const mapped = skipUnless(
  user?.subordinate !== undefined && readable && existsSync('/usr/bin/newuidmap'),
  'newuidmap and subordinate ids',
);

/** A folder of the user's own. */
const home = join(lab.folder, 'home');
mkdirSync(home);
if (user !== undefined) chownSync(home, id, id);
const root = join(home, 'state');

/** A bundle with the configuration for users, which one of them may read. */
function bundle(mutate: Mutate = () => {}): string {
  return lab.bundle((spec, folder) => {
    const { mounts, linux } = rootlessSpec(id, id);
    const { cgroupsPath: _, resources: __, ...rest } = spec.linux;
    spec.linux = { ...rest, ...linux } as TestSpec['linux'];
    spec.mounts = mounts ?? [];
    mutate(spec, folder);
  });
}

const call = (...args: string[]): string =>
  lab.ok(['--root', root, ...args], { user: id, cwd: home });

const script =
  (text: string): Mutate =>
  (spec) => {
    spec.process.args = ['sh', '-c', text];
  };

rootless(test)('a user runs a container in which it is root', () => {
  const out = call(
    'run',
    '--bundle',
    bundle(
      script('id -u; id -g; hostname; cat /proc/self/uid_map; touch /dev/shm/x && echo writes'),
    ),
    lab.name(),
  );
  assert.equal(
    out
      .trim()
      .split('\n')
      .map((line) => line.trim().replace(/\s+/g, ' ')),
    ['0', '0', 'tsrunc', `0 ${id} 1`, 'writes'],
  );
});

rootless(test)('a user sets the clocks of a time namespace', () => {
  const folder = bundle((spec) => {
    spec.linux.namespaces.push({ type: 'time' });
    spec.linux.timeOffsets = { boottime: { secs: 5000 } };
    spec.process.args = ['grep', 'boot', '/proc/self/timens_offsets'];
  });
  const out = call('run', '--bundle', folder, lab.name());
  assert.is(out.trim().replace(/ +/g, ' '), 'boottime 5000 0');
});

rootless(test)('tmpcopyup keeps the files of the user, and can keep no others', () => {
  const image = join(home, 'image');
  spawnSync('cp', ['-a', lab.rootfs, image]);
  spawnSync('chown', ['-R', `${id}:${id}`, image]);
  const folder = bundle((spec) => {
    spec.root = { path: image };
    spec.mounts.push({ destination: '/etc', type: 'tmpfs', options: ['tmpcopyup'] });
    spec.process.args = ['sh', '-c', 'stat -c %u:%g /etc /etc/group; touch /etc/x && echo writes'];
  });
  assert.is(call('run', '--bundle', folder, lab.name()), '0:0\n0:0\nwrites\n');
  chownSync(join(image, 'etc/group'), 0, 0);
  const { stderr } = lab.tsrunc(['--root', root, 'run', '--bundle', folder, lab.name()], {
    user: id,
    cwd: home,
  });
  assert.match(stderr, /"tmpfs" on "\/etc": .*owner is not mapped.*"\/etc\/group"/);
});

rootless(test)('a user can have no ids mapped by a mount, and is told so', () => {
  const folder = bundle((spec) => {
    spec.mounts.push({ destination: '/mnt', source: home, options: ['bind', 'idmap'] });
  });
  const { code, stderr } = lab.tsrunc(['--root', root, 'run', '--bundle', folder, lab.name()], {
    user: id,
    cwd: home,
  });
  assert.is(code, 1);
  assert.match(stderr, /mounts\[\d+\]: ids of mounts are mapped only for root of the host/);
});

rootless(test)('create, start, state, kill, delete', async () => {
  const name = lab.name();
  const folder = bundle(script('sleep 1000'));
  call('create', '--bundle', folder, name);
  const state = JSON.parse(call('state', name));
  assert.equal([state.status, state.owner], ['created', 'tester']);
  assert.match(readFileSync(`/proc/${state.pid}/status`, 'utf8'), `Uid:\t${id}\t${id}`);
  call('start', name);
  const ended = gone(native, state.pid);
  call('kill', name, 'KILL');
  await ended;
  call('delete', name);
  assert.is(call('list', '-q'), '');
});

rootless(test)('delete --force ends a running one', () => {
  const name = lab.name();
  call('run', '--detach', '--bundle', bundle(script('sleep 1000')), name);
  call('delete', '--force', name);
  assert.is(call('list', '-q'), '');
});

rootless(test)("another user's containers are out of reach", () => {
  const { code, stderr } = lab.tsrunc(['--root', lab.root, 'list'], { user: id, cwd: home });
  assert.is(code === 0, !existsSync(lab.root), stderr);
  const name = lab.name();
  call('run', '--detach', '--bundle', bundle(script('sleep 1000')), name);
  assert.match(lab.fails(['--root', root, 'kill', name, 'KILL']), 'belongs to user');
  call('delete', '--force', name);
});

rootless(test)('what `tsrunc spec --rootless` writes runs as it is', () => {
  const folder = join(home, 'bundle');
  mkdirSync(folder);
  chownSync(folder, id, id);
  spawnSync('cp', ['-a', lab.rootfs, join(folder, 'rootfs')]);
  call('spec', '--rootless', '--bundle', folder);
  const words = ['--root', root, 'run', '--bundle', folder, lab.name()];
  const line = [command, ...words].join(' ');
  const { stdout, status } = spawnSync('script', ['-qefc', line, '/dev/null'], {
    uid: id,
    gid: id,
    cwd: home,
    encoding: 'utf8',
    input: 'id -u; exit 4\n',
    timeout: patience(20_000),
  });
  assert.match(stdout, /\n0\r/);
  assert.is(status, 4);
});

mapped(test)('with subordinate ids it has many users', () => {
  const { first = 0, count = 0 } = user?.subordinate ?? {};
  const mappings = [
    { containerID: 0, hostID: id, size: 1 },
    { containerID: 1, hostID: first, size: count },
  ];
  const folder = bundle((spec) => {
    spec.linux.uidMappings = mappings;
    spec.linux.gidMappings = mappings;
    spec.process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
    spec.process.args = ['sh', '-c', 'id -u; id -G; cat /proc/self/uid_map'];
  });
  const out = call('run', '--bundle', folder, lab.name());
  assert.equal(
    out
      .trim()
      .split('\n')
      .map((line) => line.trim().replace(/\s+/g, ' ')),
    ['1000', '1000 5', `0 ${id} 1`, `1 ${first} ${count}`],
  );
});

mapped(test)("ids that aren't the user's own are refused", () => {
  const folder = bundle((spec) => {
    spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 10 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 10 }];
  });
  const { code, stderr } = lab.tsrunc(['--root', root, 'run', '--bundle', folder, lab.name()], {
    user: id,
    cwd: home,
  });
  assert.is(code, 1);
  assert.match(stderr, /^tsrunc run: map the ids .* with newgidmap: [^\n]*\n$/m);
});

test.after(() => user?.remove());
lab.finish(test);
