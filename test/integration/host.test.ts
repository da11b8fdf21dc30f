/** Calls by way of a resident host: the same as without one, to whoever looks. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layout } from '../support/cgroups.js';
import { begun, blocks, by, Foreground } from '../support/foreground.js';
import { command, Lab, type Mutate } from '../support/lab.js';
import { ResidentHost } from '../support/resident.js';
import { skipUnless } from '../support/skip.js';

const asRoot = process.geteuid?.() === 0;
const host = new ResidentHost();
const lab = new Lab();
const test = suite('host');
const root = skipUnless(asRoot, 'root')(test);

root('with a host no Node is started, and the container is a child of the launcher', async () => {
  for (const [which, program] of [
    [host, 'tsrunc'],
    [undefined, 'node'],
  ] as const) {
    const run = await new Foreground(lab, which).ready();
    assert.is(run.program, program);
    assert.equal(await run.end(), { code: 5, signal: null });
    assert.match(lab.fails(['state', run.id]), 'does not exist');
  }
});

/** What a container shows of what it has inherited from its caller. */
function inheritance(which: ResidentHost | undefined, prelude: string): string {
  const show = [
    'grep -E "^(Umask|Uid|Gid|Groups|Cap|Seccomp|NoNewPrivs|Sig(Blk|Ign)|Cpus_allowed_list)" /proc/self/status',
    'cat /proc/self/limits /proc/self/oom_score_adj',
    'cut -d" " -f 19 /proc/self/stat',
    'for i in /proc/1/fd/*; do echo "$i $(readlink $i | tr -d 0-9)"; done',
    'cat <&0; env | sort; pwd',
  ].join('; ');
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', show];
    spec.linux.cgroupsPath = `/tsrunc-test-${process.pid}/inheritance`;
    delete (spec.process as { rlimits?: unknown }).rlimits;
  });
  const script = `${prelude}; cd ${dirname(bundle)}; exec "$0" --root "$1" run --preserve-fds 1 --bundle ./${basename(bundle)} inheritance 3</dev/zero`;
  return execFileSync('sh', ['-c', script, command, lab.root], {
    env: { PATH: process.env['PATH'] ?? '', ...by(which) },
    input: 'from the caller\n',
    encoding: 'utf8',
  });
}

root('what is inherited from the caller is the same with a host and without', () => {
  for (const prelude of [
    ':',
    'ulimit -Sn 77; ulimit -c 0',
    'renice -n 3 $$ > /dev/null; echo 300 > /proc/self/oom_score_adj',
    'taskset -pc 0 $$ > /dev/null 2>&1',
    'trap "" HUP USR1 PIPE CHLD',
    'exec 5</dev/null 6</dev/null',
  ]) {
    assert.is(inheritance(host, prelude), inheritance(undefined, prelude), prelude);
  }
});

root('a relative cgroupsPath is below the cgroup of the caller, not of the host', async () => {
  const lines = readFileSync('/proc/self/cgroup', 'utf8');
  const parent = `/sys/fs/cgroup/pids/tsrunc-test-${process.pid}`;
  if (!lines.includes(':pids:') || !existsSync('/sys/fs/cgroup/pids'))
    return console.log('# skipped: a relative cgroupsPath: wants the v1 hierarchy of pids');
  mkdirSync(join(parent, 'caller'), { recursive: true });
  const prefix = ['sh', '-c', `echo $$ > ${parent}/caller/cgroup.procs; exec "$@"`, 'sh'];
  const run = await new Foreground(
    lab,
    host,
    (spec) => {
      spec.linux.cgroupsPath = 'relative';
    },
    prefix,
  ).ready();
  assert.is(run.program, 'tsrunc');
  const cgroups = readFileSync(`/proc/${lab.state(run.id).pid}/cgroup`, 'utf8');
  const own = /:pids:(.*)$/m.exec(lines)?.[1]?.replace(/^\/$/, '') ?? '';
  assert.match(cgroups, `:pids:${own}/tsrunc-test-${process.pid}/caller/relative`);
  await run.end();
  rmdirSync(join(parent, 'caller'));
  rmdirSync(parent);
});

/** Callers that a host can't stand in for, and how they become that. */
const others: Readonly<Record<string, readonly string[]>> = {
  'another mount namespace': ['unshare', '-m'],
  'another pid namespace': ['unshare', '-p', '-f', '--mount-proc'],
  'another network namespace': ['unshare', '-n'],
  'another cgroup namespace': ['unshare', '-C'],
  'another umask': ['sh', '-c', 'umask 077; exec "$@"', 'sh'],
  'fewer capabilities': ['setpriv', '--bounding-set', '-syslog', '--'],
  'no new privileges': ['setpriv', '--no-new-privs'],
};

for (const [what, prefix] of Object.entries(others)) {
  // cgroup2, as systemd mounts it, lets nobody move a process to where his own namespace doesn't reach.
  const able = prefix.includes('-C')
    ? skipUnless(asRoot && layout.version !== 'v2', 'root and cgroup v1')(test)
    : root;
  able(`a caller with ${what} makes its call by itself`, () => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['sh', '-c', 'echo ran'];
    });
    const hostsFiles = join(lab.folder, `trace-${lab.name()}`);
    const args = ['run', '--bundle', bundle, lab.name()];
    // Whether a Node was executed is what strace tells.
    const out = execFileSync(
      'strace',
      [
        ...['-f', '-qq', '-e', 'trace=execve', '-o', hostsFiles, ...prefix],
        ...[command, '--root', lab.root, ...args],
      ],
      { encoding: 'utf8', env: { ...process.env, ...by(host) } },
    );
    assert.is(out, 'ran\n');
    assert.match(readFileSync(hostsFiles, 'utf8'), /execve\("[^"]*\/node"/);
  });
}

/** Configurations that take more than a host does, with what the container says. */
const declined: Readonly<Record<string, Mutate>> = {
  hooks: (spec) => {
    spec.hooks.poststop = [{ path: '/bin/true' }];
  },
  '/proc/self in a path': (spec) => {
    spec.linux.namespaces = spec.linux.namespaces.map((each) =>
      each.type === 'uts' ? { ...each, path: '/proc/self/ns/uts' } : each,
    );
    delete (spec as { hostname?: string }).hostname;
  },
};

for (const [what, mutate] of Object.entries(declined)) {
  root(`a container with ${what} is made without the host`, async () => {
    const run = await new Foreground(lab, host, mutate).ready();
    assert.is(run.program, 'node');
    assert.equal(await run.end(), { code: 5, signal: null });
  });
}

root('signals reach the container, and end a call that has none yet', async () => {
  const run = await new Foreground(lab, host).ready();
  run.kill('SIGTERM');
  assert.equal(await run.ended(), { code: 9, signal: null });

  const waiting = new Foreground(lab, host, (spec, folder) => blocks(spec, folder));
  await begun(lab, waiting.id);
  waiting.kill('SIGINT');
  assert.equal(await waiting.ended(), { code: 1, signal: null });
  assert.match(lab.fails(['state', waiting.id]), 'does not exist');
});

root('many callers at once, and a host that keeps nothing of them', async () => {
  const env = { ...process.env, ...by(host) };
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', 'exit 3'];
    delete (spec.linux as { cgroupsPath?: string }).cgroupsPath;
  });
  const call = async (...args: string[]): Promise<number | null> => {
    const child = spawn(command, ['--root', lab.root, ...args], { env, stdio: 'ignore' });
    await once(child, 'exit');
    return child.exitCode;
  };
  const one = async (): Promise<void> => {
    // Its cgroup is named after it.
    const id = `test-${process.pid}-${lab.name()}`;
    assert.is(await call('run', '--bundle', bundle, id), 3);
    assert.is(await call('create', '--bundle', bundle, id), 0);
    assert.is(await call('start', id), 0);
    assert.is(await call('state', id), 0);
    assert.is(await call('delete', '--force', id), 0);
    assert.is(await call('state', id), 1);
  };
  await one();
  const before = await host.atRest();
  await Promise.all(Array.from({ length: 20 }, one));
  assert.is(await host.atRest(), before, 'descriptors of the host');
});

root('another build of the command is not for this host', () => {
  const home = join(lab.folder, 'build-2');
  mkdirSync(join(home, 'build/Release'), { recursive: true });
  mkdirSync(join(home, 'dist'));
  copyFileSync(
    join(dirname(dirname(command)), 'build/Release/tsrunc'),
    join(home, 'build/Release/tsrunc'),
  );
  writeFileSync(join(home, 'dist/cli.cjs'), '');
  writeFileSync(join(home, 'dist/tsrunc.cjs'), "console.log('by itself')");
  symlinkSync(process.execPath, join(home, 'dist/node'));
  const out = execFileSync(join(home, 'build/Release/tsrunc'), ['state', 'x'], {
    env: by(host),
    encoding: 'utf8',
  });
  assert.is(out, 'by itself\n');
});

test.after(() => host.end());
lab.finish(test);
