/** Calls by way of a resident host: the same as without one, to whoever looks. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { command, Lab, type Mutate } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { gone } from '../support/processes.js';
import { ResidentHost } from '../support/resident.js';
import { skipUnless } from '../support/skip.js';

const asRoot = process.geteuid?.() === 0;
const host = new ResidentHost();
const lab = new Lab();
const native = loadNative();
const test = suite('host');
const root = skipUnless(asRoot, 'root')(test);

const by = (which: ResidentHost | undefined): Record<string, string> => ({
  TSRUNC_HOST: which?.socket ?? 'off',
});

/** A call in the foreground whose container says something and then waits for its standard input's end. */
class Foreground {
  readonly id = lab.name();
  readonly #child: ChildProcess;
  #said = '';

  constructor(
    which: ResidentHost | undefined,
    mutate: Mutate = () => {},
    prefix: readonly string[] = [],
    script = 'trap "exit 9" TERM; echo ready; while read line; do :; done; exit 5',
  ) {
    const bundle = lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', script];
      mutate(spec, folder);
    });
    const [program = '', ...args] = [
      ...prefix,
      command,
      ...['--root', lab.root, 'run', '--bundle', bundle, this.id],
    ];
    this.#child = spawn(program, args, {
      env: { ...process.env, ...by(which) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      this.#said += chunk;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the container has said that it runs. */
  async ready(): Promise<this> {
    while (!this.#said.includes('ready')) {
      assert.ok(this.#child.stdout);
      await Promise.race([
        once(this.#child.stdout, 'data'),
        once(this.#child, 'exit').then(() => assert.unreachable('it ended')),
      ]);
    }
    return this;
  }

  /** The program that the container's process is a child of. */
  get program(): string {
    const { pid } = lab.state(this.id);
    const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return basename(readlinkSync(`/proc/${parent}/exe`));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<{ code: number | null; signal: string | null }> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, 'exit');
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }
}

root('with a host no Node is started, and the container is a child of the launcher', async () => {
  for (const [which, program] of [
    [host, 'tsrunc'],
    [undefined, 'node'],
  ] as const) {
    const run = await new Foreground(which).ready();
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
  root(`a caller with ${what} makes its call by itself`, () => {
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
    const run = await new Foreground(host, mutate).ready();
    assert.is(run.program, 'node');
    assert.equal(await run.end(), { code: 5, signal: null });
  });
}

root('signals reach the container, and end a call that has none yet', async () => {
  const run = await new Foreground(host).ready();
  run.kill('SIGTERM');
  assert.equal(await run.end(), { code: 9, signal: null });

  const waiting = new Foreground(host, (spec, folder) => blocks(spec, folder));
  await begun(waiting.id);
  waiting.kill('SIGINT');
  assert.equal(await waiting.end(), { code: 1, signal: null });
  assert.match(lab.fails(['state', waiting.id]), 'does not exist');
});

/** Has init wait in a hook of the container's until somebody writes to a FIFO of the bundle. */
const blocks: Mutate = (spec, folder) => {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  spec.hooks.createContainer = [
    { path: '/bin/sh', args: ['sh', '-c', `: > ${folder}/reached; read x < ${folder}/fifo`] },
  ];
};

/** Resolves when the hook of `blocks` runs. */
async function begun(id: string): Promise<void> {
  const { bundle } = await created(id);
  while (!existsSync(join(bundle, 'reached'))) await new Promise(setImmediate);
}

async function created(id: string): Promise<{ bundle: string }> {
  const file = join(lab.root, id, 'state.json');
  while (!existsSync(file)) await new Promise(setImmediate);
  return JSON.parse(readFileSync(file, 'utf8'));
}

root(
  'a host that dies in the middle of a call: an error in one sentence, and nothing is left',
  async () => {
    const mortal = new ResidentHost();
    const bundle = lab.bundle(blocks);
    const id = lab.name();
    const child = spawn(command, ['--root', lab.root, 'create', '--bundle', bundle, id], {
      env: { ...process.env, ...by(mortal) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = text(child.stderr);
    await begun(id);
    await mortal.end('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
    assert.is(child.exitCode, 1);
    assert.is(
      await said,
      'tsrunc: the host of tsrunc ended in the middle of the call: what had been made is removed again\n',
    );
    assert.equal(lab.traces(), []);
  },
);

root('a host that dies leaves containers in the foreground alone', async () => {
  for (const how of ['SIGKILL', 'SIGTERM'] as const) {
    const mortal = new ResidentHost();
    const [first, second] = [new Foreground(mortal), new Foreground(mortal)];
    await Promise.all([first.ready(), second.ready()]);
    assert.is(first.program, 'tsrunc');
    await mortal.end(how);
    // Its signals still go there, and it is deleted at its end.
    second.kill('SIGTERM');
    assert.equal(await second.end(), { code: 9, signal: null });
    assert.equal(await first.end(), { code: 5, signal: null });
    assert.equal(lab.traces(), []);
  }
});

root('a caller that is killed in the middle of a call leaves nothing', async () => {
  const run = new Foreground(host, (spec, folder) => blocks(spec, folder));
  await begun(run.id);
  const { pid } = host;
  run.kill('SIGKILL');
  await run.end();
  // It waits for the host to be done with it.
  lab.ok(['delete', '--force', run.id]);
  assert.equal(lab.traces(), []);
  assert.ok(existsSync(`/proc/${pid}`));
});

root(
  'a caller that is killed in the foreground leaves its container, as without a host',
  async () => {
    const run = await new Foreground(host).ready();
    const { pid } = lab.state(run.id);
    run.kill('SIGKILL');
    assert.equal((await run.end()).signal, 'SIGKILL');
    await gone(native, pid);
    assert.is(lab.state(run.id).status, 'stopped');
    lab.ok(['delete', run.id]);
  },
);

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
    const id = lab.name();
    assert.is(await call('run', '--bundle', bundle, id), 3);
    assert.is(await call('create', '--bundle', bundle, id), 0);
    assert.is(await call('start', id), 0);
    assert.is(await call('state', id), 0);
    assert.is(await call('delete', '--force', id), 0);
    assert.is(await call('state', id), 1);
  };
  await one();
  const before = host.descriptors();
  await Promise.all(Array.from({ length: 20 }, one));
  // A caller has ended a moment before the host hears of that.
  const late = performance.now() + patience(30_000);
  while (host.descriptors() > before && performance.now() < late) await new Promise(setImmediate);
  assert.ok(host.descriptors() <= before, `${before} descriptors became ${host.descriptors()}`);
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

test('a second host on the same socket is refused, one after a dead host is not', async () => {
  const first = new ResidentHost();
  assert.throws(() => first.another(), /there is a host already/);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = first.another();
  await second.end();
  await first.end();
});

test('a folder that others can enter is refused', async () => {
  const own = new ResidentHost();
  await own.stop();
  chmodSync(dirname(own.socket), 0o755);
  assert.throws(() => own.another(), /is not this user's alone/);
  await own.end();
});

test('it ends by itself when nobody has called for a while', async () => {
  const idle = new ResidentHost('--idle', '1');
  if (idle.child.exitCode === null) await once(idle.child, 'exit');
  assert.is(idle.child.exitCode, 0);
  await idle.end();
});

test('a service manager may listen for it', async () => {
  const folder = join(lab.folder, 'activated');
  mkdirSync(folder, { mode: 0o700 });
  const socket = join(folder, 'socket');
  const activate = [
    'import os, socket, sys',
    's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)',
    's.bind(sys.argv[1]); s.listen(16)',
    'os.dup2(s.fileno(), 3); os.set_inheritable(3, True)',
    'os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), TSRUNC_HOST=sys.argv[1])',
    'os.execv(sys.argv[2], sys.argv[2:])',
  ].join('\n');
  const child = spawn('python3', ['-c', activate, socket, command, 'host'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said] = await once(child.stderr, 'data');
  assert.match(String(said), 'the socket of the service manager');
  const { code, stderr } = lab.tsrunc(['state', 'nobody'], { env: { TSRUNC_HOST: socket } });
  assert.is(code, 1);
  assert.match(stderr, 'container does not exist');
  child.kill('SIGTERM');
  await once(child, 'exit');
  assert.is(child.exitCode, 0);
});

test.after(() => host.end());
lab.finish(test);
