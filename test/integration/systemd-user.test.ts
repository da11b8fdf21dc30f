/** An ordinary user's containers, whose cgroups the user's own systemd makes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { rootlessSpec } from '../../ts/spec/default.js';
import type { LinuxResources } from '../../ts/spec/types.js';
import { layout } from '../support/cgroups.js';
import { cgroupFolder, control } from '../support/container-cgroup.js';
import { command, Lab, type Mutate, type Outcome, type TestSpec } from '../support/lab.js';
import { gone } from '../support/processes.js';
import { skipUnless } from '../support/skip.js';
import { testUser } from '../support/user.js';

const test = suite('systemd of a user');
const lab = new Lab('/tmp');
const native = loadNative();
const user = testUser();
const id = user?.id ?? -1;
const manager = `user@${id}.service`;
const readable = spawnSync(command, ['--version'], { uid: id, gid: id }).status === 0;
const booted = existsSync('/run/systemd/system') && existsSync('/lib/systemd/system/user@.service');
const it = skipUnless(
  user !== undefined && readable && booted && layout.version === 'v2',
  'root, cgroup v2, systemd as PID 1 with managers for users, and a tree that others may read',
)(test);

const home = join(lab.folder, 'home');
mkdirSync(home);
if (user !== undefined) chownSync(home, id, id);
const root = join(home, 'state');
const MiB = 1 << 20;
const env = { XDG_RUNTIME_DIR: `/run/user/${id}` };

const unit = (name: string): string => `tsrunc-test-${process.pid}-${name}.scope`;

/** A bundle whose container has the scope `unit(name)`. */
function bundle(name: string, resources?: LinuxResources, mutate: Mutate = () => {}): string {
  return lab.bundle((spec, folder) => {
    const { mounts, linux } = rootlessSpec(id, id);
    const { cgroupsPath: _, resources: __, ...rest } = spec.linux;
    spec.linux = { ...rest, ...linux } as TestSpec['linux'];
    spec.linux.cgroupsPath = `user.slice:tsrunc-test-${process.pid}:${name}`;
    if (resources !== undefined) spec.linux.resources = resources;
    spec.mounts = mounts ?? [];
    spec.process.args = ['sleep', '1000'];
    mutate(spec, folder);
  });
}

/** Calls from outside of what the user's systemd has been given: so does a login session. */
const attempt = (...args: string[]): Outcome =>
  lab.tsrunc(['--systemd-cgroup', '--root', root, ...args], { user: id, cwd: home, env });
function call(...args: string[]): string {
  const { code, stdout, stderr } = attempt(...args);
  assert.is(code, 0, `tsrunc ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout.trimEnd();
}

function run(name: string, resources?: LinuxResources): number {
  call('run', '--detach', '--bundle', bundle(name, resources), name);
  return JSON.parse(call('state', name)).pid;
}

/** What a program prints that runs as a service of the user's systemd. */
const service = (...args: string[]): string =>
  execFileSync('systemd-run', ['--user', '-Mtester@', '--pipe', '--wait', '--quiet', ...args], {
    encoding: 'utf8',
  }).trimEnd();

function systemctl(...args: string[]): string {
  return execFileSync('systemctl', ['--user', ...args], {
    uid: id,
    gid: id,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  }).trimEnd();
}

/** Without a lingering user the end of a session, such as the one of `service`, is the end of the manager. */
const lingers = existsSync('/var/lib/systemd/linger/tester');
const runs = booted && user !== undefined;
test.before(() => {
  if (!runs) return;
  if (!lingers) execFileSync('loginctl', ['enable-linger', 'tester']);
  execFileSync('systemctl', ['start', manager]);
});

it('a scope in the user’s slice has the limits, in the kernel and as properties, before and after update', () => {
  const pid = run('limited', {
    memory: { limit: 64 * MiB },
    cpu: { shares: 512, quota: 50_000, period: 100_000 },
    pids: { limit: 33 },
  });
  assert.match(cgroupFolder(pid, 'unified'), `/${manager}/user.slice/${unit('limited')}`);
  const files = (): string[] =>
    ['memory.max', 'cpu.max', 'pids.max'].map((file) => control(pid, 'unified', file));
  const told = (): string[] =>
    systemctl('show', unit('limited'), '-pMemoryMax', '-pCPUQuotaPerSecUSec', '-pTasksMax')
      .split('\n')
      .sort();
  assert.equal(files(), [`${64 * MiB}`, '50000 100000', '33']);
  assert.equal(told(), ['CPUQuotaPerSecUSec=500ms', `MemoryMax=${64 * MiB}`, 'TasksMax=33']);
  call('update', '--memory', '128m', '--cpu-quota', '30000', '--pids-limit', '44', 'limited');
  systemctl('daemon-reload');
  assert.equal(files(), [`${128 * MiB}`, '30000 100000', '44']);
  assert.equal(told(), ['CPUQuotaPerSecUSec=300ms', `MemoryMax=${128 * MiB}`, 'TasksMax=44']);
  call('delete', '--force', 'limited');
  assert.is(systemctl('list-units', '--all', '--no-legend', unit('limited')), '');
});

it('exec is in the container’s cgroup, called from a session or from a service of the user’s systemd', () => {
  const pid = run('joined');
  // The container sees its own cgroup as the root.
  const own = ['joined', 'cat', '/proc/self/cgroup'];
  assert.is(call('exec', ...own), '0::/');
  assert.is(service(command, '--root', root, 'exec', ...own), '0::/');
  mkdirSync(join(cgroupFolder(pid, 'unified'), 'sub'));
  assert.is(call('exec', '--cgroup', 'sub', ...own), '0::/sub');
  const { code, stderr } = attempt('exec', '--cgroup', 'none', ...own);
  assert.is(code, 255);
  assert.match(stderr, /^tsrunc exec: the user's systemd could not move a process into [^\n]+\n$/);
  assert.is(JSON.parse(call('ps', '--format', 'json', 'joined')).length, 1);
  call('delete', '--force', 'joined');
});

it('create, start, pause, resume, kill, delete', async () => {
  call('create', '--bundle', bundle('verbs'), 'verbs');
  const { pid } = JSON.parse(call('state', 'verbs'));
  call('start', 'verbs');
  call('pause', 'verbs');
  assert.is(JSON.parse(call('state', 'verbs')).status, 'paused');
  assert.is(control(pid, 'unified', 'cgroup.freeze'), '1');
  call('resume', 'verbs');
  assert.match(call('events', '--stats', 'verbs'), /"pids":\{"current":1/);
  const ended = gone(native, pid);
  call('kill', '--all', 'verbs', 'KILL');
  await ended;
  call('delete', 'verbs');
  assert.is(call('list', '-q'), '');
});

it('what the user’s systemd was not given is refused, and nothing stays', () => {
  const given = control(run('plain'), 'unified', 'cgroup.controllers').split(' ');
  call('delete', '--force', 'plain');
  if (given.includes('cpuset')) return;
  const folder = bundle('refused', { cpu: { cpus: '0' } });
  const { code, stderr } = attempt('create', '--bundle', folder, 'refused');
  assert.is(code, 1);
  assert.match(stderr, /cpu\.cpus can't be set: .* the cpuset controller.*Delegate=[^\n]*\n$/);
  assert.is(call('list', '-q'), '');
  assert.is(systemctl('list-units', '--all', '--no-legend', unit('refused')), '');
});

it('without the user’s systemd it says so, and what to use', () => {
  const args = ['--systemd-cgroup', '--root', root, 'create', '--bundle', bundle('lost'), 'lost'];
  const said = lab.fails(args, { user: id, cwd: home, env: { XDG_RUNTIME_DIR: home } });
  assert.match(said, /the user's systemd could not .*XDG_RUNTIME_DIR.*--cgroup-manager cgroupfs/);
});

test.after(() => {
  if (runs && !lingers) {
    execFileSync('loginctl', ['disable-linger', 'tester']);
    execFileSync('systemctl', ['stop', manager]);
  }
  user?.remove();
});
lab.finish(test);
