/**
 * The same command lines and bundles for runc and for the runtime under test: what a caller sees must be the same,
 * as far as callers look. Their words for a failure differ, so those are compared by what callers look for in them.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { defaultSpec } from '../../ts/spec/default.js';
import type { Spec } from '../../ts/spec/types.js';
import { gone } from '../support/processes.js';
import { Bed, environment, executable, limitOf, type Outcome } from './bed.js';

const bed = new Bed({ runc: 'runc' });
const native = loadNative();
const console_py = fileURLToPath(new URL('../support/console.py', import.meta.url));

/** What the callers of a runtime look for in its errors: contract.md, "Sentences that callers match". */
const sentences = [
  'does not exist',
  'already exists',
  'executable file not found in $PATH',
  'no such file or directory',
  'permission denied',
  'not a directory',
  'container not running',
  'cannot exec in a stopped container',
  'that is not stopped',
] as const;

const found = (text: string): string[] => sentences.filter((sentence) => text.includes(sentence));

type Mutate = (spec: Spec & { process: NonNullable<Spec['process']> }) => void;

/** One runtime with a state root of its own and a name in the cgroups. */
class Side {
  readonly #binary: string;
  readonly #name: string;
  readonly folder: string;
  #count = 0;

  constructor(name: string, binary: string) {
    this.#name = name;
    this.#binary = binary;
    this.folder = join(bed.folder, name);
    mkdirSync(this.folder, { recursive: true });
  }

  bundle(args: readonly string[], mutate: Mutate = () => {}): string {
    const folder = join(this.folder, `b${++this.#count}`);
    mkdirSync(folder);
    const spec = structuredClone(defaultSpec()) as Parameters<Mutate>[0];
    spec.process.terminal = false;
    spec.process.args = [...args];
    spec.root = { path: bed.rootfs, readonly: true };
    spec.linux = { ...spec.linux, cgroupsPath: `/diff/${this.#name}-${this.#count}` };
    mutate(spec);
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify(spec, (_, it) => (typeof it === 'bigint' ? Number(it) : it)),
    );
    return folder;
  }

  /** Runs the command; output goes to files, since a container may hold it open for longer. */
  call(
    args: readonly string[],
    options: {
      input?: string;
      cwd?: string;
      fds?: number[];
      /** A shell's word for LISTEN_PID, with one descriptor in LISTEN_FDS. */
      listenPid?: string;
    } = {},
  ): Outcome {
    const files = ['out', 'err'].map((name) => join(this.folder, name));
    const [out = 1, err = 2] = files.map((file) => openSync(file, 'w+'));
    try {
      const { listenPid } = options;
      const listen = `export LISTEN_FDS=1 LISTEN_PID=${listenPid}; exec "$@"`;
      const [program = '', ...rest] = [
        ...(listenPid === undefined ? [] : ['sh', '-c', listen, 'sh']),
        ...[this.#binary, '--root', join(this.folder, 'state'), ...args],
      ];
      const { status } = spawnSync(program, rest, {
        env: environment(),
        cwd: options.cwd ?? this.folder,
        input: options.input ?? '',
        stdio: ['pipe', out, err, ...(options.fds ?? [])],
        timeout: 20_000,
      });
      const [stdout = '', stderr = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { code: status, stdout, stderr };
    } finally {
      closeSync(out);
      closeSync(err);
    }
  }

  /** What a caller sees of a failure. */
  failure(...args: readonly string[]): unknown {
    const { code, stdout, stderr } = this.call(args);
    return { code, stdout, sentences: found(stderr), silent: stderr === '' };
  }

  /** What a caller sees of a success. */
  success(...args: readonly string[]): unknown {
    const { code, stdout, stderr } = this.call(args);
    return { code, stdout, stderr };
  }

  state(id: string): { id: string; pid: number; status: string; [name: string]: unknown } {
    const { stdout, stderr } = this.call(['state', id]);
    assert.is(stderr, '');
    return JSON.parse(stdout);
  }

  pid(id: string): number {
    return this.state(id).pid;
  }

  status(id: string): string | undefined {
    const { code, stdout } = this.call(['state', id]);
    return code === 0 ? JSON.parse(stdout).status : undefined;
  }

  /** Creates and starts a container that ends with 9 on SIGTERM. */
  running(id: string, mutate?: Mutate): number {
    const script = 'trap "exit 9" TERM; while :; do sleep 0.05; done';
    assert.is(
      this.call(['create', '--bundle', this.bundle(['sh', '-c', script], mutate), id]).code,
      0,
    );
    assert.is(this.call(['start', id]).code, 0);
    return this.pid(id);
  }

  /** A container whose process has ended. */
  async stopped(id: string): Promise<void> {
    const pid = this.running(id);
    this.call(['kill', id, 'KILL']);
    await gone(native, pid);
  }
}

const runc = executable('runc');
// Both: what is under test is compared with runc even when that is runc itself.
const reference = runc === undefined ? undefined : new Side('reference', runc);
const subject = new Side('subject', bed.runtime);

/** Adds a test: the scenario shows the same with both. */
function same(
  name: string,
  scenario: (side: Side) => unknown,
  needs: readonly string[] = [],
): void {
  const missing = needs.find((command) => !bed.has(command));
  bed.check(
    name,
    async () => {
      if (reference === undefined) throw new Error('there is no runc');
      const expected = await scenario(reference);
      assert.equal(await scenario(subject), expected);
    },
    missing === undefined ? undefined : `${bed.runtimeName} ${missing}`,
  );
}

/** The types of the values, in place of them: two JSON texts of one shape are equal. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, each]) => [key, shapeOf(each)]),
  );
}

same('a container that does not exist', (side) => [
  ...['state', 'start', 'kill', 'delete'].map((command) => side.failure(command, 'none')),
  side.failure('exec', 'none', 'true'),
  side.success('delete', '--force', 'none'),
]);

same(
  'a container that does not exist: ps, pause, resume',
  (side) => ['ps', 'pause', 'resume'].map((command) => side.failure(command, 'none')),
  ['ps', 'pause'],
);

same('a life: create, start, kill, delete', async (side) => {
  const bundle = side.bundle(['sh', '-c', 'sleep 1000'], (spec) => {
    spec.annotations = { 'a.b': 'c' };
  });
  const seen: unknown[] = [
    side.success('create', '--bundle', bundle, '--pid-file', join(side.folder, 'life.pid'), 'life'),
  ];
  const state = side.state('life');
  seen.push(shapeOf(state), state.id, state.status, state.annotations, state.bundle === bundle);
  seen.push(readFileSync(join(side.folder, 'life.pid'), 'utf8') === String(state.pid));
  seen.push(
    !Number.isNaN(Date.parse(String(state['created']))) &&
      /^\d{4}-\d\d-\d\dT.*Z$/.test(String(state['created'])),
  );
  seen.push(side.failure('create', '--bundle', bundle, 'life'));
  seen.push(
    side.success('start', 'life'),
    side.status('life'),
    side.failure('start', 'life'),
    side.failure('delete', 'life'),
  );
  seen.push(side.success('kill', 'life', '9'));
  await gone(native, state.pid);
  const stopped = side.state('life');
  seen.push(shapeOf(stopped), stopped.status, stopped.pid);
  seen.push(
    side.failure('kill', 'life'),
    side.success('kill', '--all', 'life', '9'),
    side.failure('exec', 'life', 'true'),
    side.failure('start', 'life'),
  );
  seen.push(
    side.success('delete', 'life'),
    side.failure('delete', 'life'),
    side.failure('state', 'life'),
  );
  return seen;
});

same('delete --force: a running one, a created one, twice', (side) => {
  const pid = side.running('forced');
  const seen = [side.success('delete', '--force', 'forced'), side.failure('state', 'forced')];
  assert.is(side.call(['create', '--bundle', side.bundle(['true']), 'forced']).code, 0);
  return [
    ...seen,
    side.success('delete', '--force', 'forced'),
    side.success('delete', '--force', 'forced'),
    pid > 0,
  ];
});

same('kill: signals by name and by number', async (side) => {
  const seen: unknown[] = [];
  for (const signal of ['TERM', 'SIGTERM', '15', 'sigterm', 'KILL']) {
    const pid = side.running('signals');
    seen.push(side.success('kill', 'signals', signal));
    await gone(native, pid);
    side.call(['delete', 'signals']);
  }
  side.running('signals');
  seen.push(side.failure('kill', 'signals', 'NOSUCH'), side.failure('kill', 'signals', '1000'));
  side.call(['delete', '--force', 'signals']);
  return seen;
});

same("run: the process's own status, or 128 and its signal", (side) => [
  side.success('run', '--bundle', side.bundle(['sh', '-c', 'echo out; exit 7']), 'status'),
  side.success('run', '--bundle', side.bundle(['sh', '-c', 'sh -c "kill -9 $$"']), 'status'),
  side.call(['run', '--bundle', side.bundle(['cat']), 'status'], { input: 'fed' }),
  side.success('run', '--bundle', side.bundle(['true']), 'status'),
  side.call(['list', '--quiet']),
]);

same('run: a command that can not be executed', (side) => [
  ...['nix', '/nix', '/etc', '/etc/passwd', '/etc/passwd/x', './nix'].map((command) =>
    side.failure('run', '--bundle', side.bundle([command]), 'missing'),
  ),
  side.success('list', '--quiet'),
]);

same('exec: status, output, input, environment, folder, a missing command', (side) => {
  side.running('execs');
  const seen = [
    side.success('exec', 'execs', 'sh', '-c', 'echo out; echo err >&2; exit 5'),
    side.call(['exec', 'execs', 'cat'], { input: 'fed' }),
    side.success('exec', '--cwd', '/home', '--env', 'A=b', 'execs', 'sh', '-c', 'pwd; echo $A'),
    side.success('exec', '-e', 'A=b', 'execs', 'sh', '-c', 'echo $A'),
    ...['nix', '/nix', '/etc'].map((command) => side.failure('exec', 'execs', command)),
    side.failure('exec', '--cwd', '/etc/passwd', 'execs', 'true'),
    side.failure('exec', 'execs'),
  ];
  const file = join(side.folder, 'process.json');
  writeFileSync(
    file,
    JSON.stringify({
      args: ['sh', '-c', 'id -u; pwd; echo $A'],
      cwd: '/home',
      env: ['PATH=/bin', 'A=b'],
      user: { uid: 0, gid: 0 },
    }),
  );
  seen.push(side.success('exec', '--process', file, 'execs'));
  const pidFile = join(side.folder, 'exec.pid');
  seen.push(side.success('exec', '--detach', '--pid-file', pidFile, 'execs', 'sleep', '1000'));
  const pid = readFileSync(pidFile, 'utf8');
  seen.push(/^\d+$/.test(pid), existsSync(`/proc/${pid}`));
  side.call(['delete', '--force', 'execs']);
  return seen;
});

same('the log file: JSON and text, and stderr beside it', (side) => {
  const line = (format: string): [string, Outcome] => {
    const file = join(side.folder, `log.${format}`);
    const outcome = side.call(['--log', file, '--log-format', format, 'start', 'none']);
    return [readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '', outcome];
  };
  const [json, first] = line('json');
  const { level, msg, time, ...more } = JSON.parse(json);
  const [text, second] = line('text');
  return [
    [
      level,
      found(msg),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(time),
      more,
    ],
    /^time="\d{4}-\d\d-\d\dT[^"]*" level=error msg="[^\n]*"$/.test(text),
    [first, second].map(({ code, stdout, stderr }) => [code, stdout, found(stderr)]),
  ];
});

same('list: table, JSON, names', (side) => {
  const seen: unknown[] = [
    side.success('list'),
    side.success('list', '--quiet'),
    JSON.parse(side.call(['list', '--format', 'json']).stdout || 'null') ?? [],
  ];
  const pid = side.running('listed');
  const rows = side
    .call(['list'])
    .stdout.trim()
    .split('\n')
    .map((row) => row.trim().split(/\s{2,}/));
  seen.push(rows[0], rows[1]?.[0], rows[1]?.[1] === String(pid), rows[1]?.[2], rows[1]?.at(-1));
  seen.push(
    shapeOf(JSON.parse(side.call(['list', '--format', 'json']).stdout)),
    side.success('list', '-q'),
  );
  side.call(['delete', '--force', 'listed']);
  return seen;
});

same(
  'ps: table and JSON',
  (side) => {
    const pid = side.running('ps');
    const json = JSON.parse(side.call(['ps', '--format', 'json', 'ps']).stdout);
    const table = side.call(['ps', 'ps']).stdout.split('\n');
    const seen = [
      shapeOf(json),
      json.includes(pid),
      table[0]?.trim().split(/\s+/),
      table.some((row) => row.includes('trap')),
    ];
    side.call(['delete', '--force', 'ps']);
    return seen;
  },
  ['ps'],
);

same(
  'pause, resume',
  (side) => {
    side.running('paused');
    const seen = [
      side.success('pause', 'paused'),
      side.status('paused'),
      side.failure('exec', 'paused', 'true'),
      side.failure('delete', 'paused'),
      side.success('resume', 'paused'),
      side.status('paused'),
      (side.call(['resume', 'paused']).code ?? 0) === 0,
      side.success('pause', 'paused'),
      side.success('delete', '--force', 'paused'),
    ];
    return seen;
  },
  ['pause'],
);

same(
  'update',
  (side) => {
    const seen: unknown[] = [];
    side.running('updated', (spec) => {
      spec.linux = { ...spec.linux, cgroupsPath: `/diff/updated-${side.folder.split('/').at(-1)}` };
    });
    const name = `updated-${side.folder.split('/').at(-1)}`;
    seen.push(side.success('update', '--pids-limit', '20', 'updated'), limitOf(name, 'pids.max'));
    const update = side.call(['update', '--resources', '-', 'updated'], {
      input: JSON.stringify({ memory: { limit: 67108864 }, pids: { limit: 30 } }),
    });
    seen.push(
      update,
      limitOf(name, 'pids.max'),
      limitOf(name, 'memory.limit_in_bytes', 'memory.max'),
    );
    side.call(['delete', '--force', 'updated']);
    seen.push(side.failure('update', '--pids-limit', '20', 'updated'));
    return seen;
  },
  ['update'],
);

same(
  'events --stats',
  (side) => {
    side.running('events');
    const { code, stdout } = side.call(['events', '--stats', 'events']);
    const { type, id, data } = JSON.parse(stdout);
    side.call(['delete', '--force', 'events']);
    return [
      code,
      type,
      id,
      Object.keys(data)
        .filter((key) => ['cpu', 'memory', 'pids', 'blkio'].includes(key))
        .sort(),
    ];
  },
  ['events'],
);

same('flags with one dash, with =, with a value behind', (side) => [
  side.success('run', '-bundle', side.bundle(['true']), 'flags'),
  side.success('run', `--bundle=${side.bundle(['true'])}`, 'flags'),
  side.success('run', '-b', side.bundle(['true']), '-no-subreaper', '--no-pivot=false', 'flags'),
  side.success('run', '--no-new-keyring', '--bundle', side.bundle(['true']), 'flags'),
  side.call(['run', 'flags'], { cwd: side.bundle(['true']) }),
]);

same('command lines that are wrong', (side) => {
  const code = (...args: string[]): unknown => [
    side.call(args).code !== 0,
    side.call(args).stderr !== '',
  ];
  return [
    code('create'),
    code('start', '--no-such-flag', 'x'),
    code('create', '--bundle', '/nowhere', 'x'),
    code('create', '--bundle', side.bundle(['true']), 'a/b'),
    code('create', '--bundle', side.bundle(['true']), '..'),
    code('create', '--bundle', side.bundle(['true']), 'a', 'b'),
    code('--log-format', 'xml', 'list'),
    code('--no-such-flag', 'list'),
    code('exec', '--process', '/nowhere', 'x'),
  ];
});

same('terminals: without a socket, with one that is not wanted', (side) => {
  const terminal: Mutate = (spec) => {
    spec.process.terminal = true;
  };
  return [
    side.failure('create', '--bundle', side.bundle(['true'], terminal), 'tty'),
    side.failure('run', '--detach', '--bundle', side.bundle(['true'], terminal), 'tty'),
    side.failure(
      'create',
      '--console-socket',
      '/nowhere',
      '--bundle',
      side.bundle(['true']),
      'tty',
    ),
    // In other words here: Docker takes "no such file" for the command's.
    side.call([
      ...['create', '--console-socket', '/nowhere'],
      ...['--bundle', side.bundle(['true'], terminal), 'tty'],
    ]).code,
    side.success('list', '-q'),
  ];
});

same("terminals: the socket gets the master's descriptor", async (side) => {
  const socket = join(side.folder, 'console');
  const listener = spawn('python3', [console_py, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  listener.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = once(listener, 'close');
  await once(listener.stdout, 'data');
  const bundle = side.bundle(['sh', '-c', 'tty; stty size; exit 0'], (spec) => {
    spec.process.terminal = true;
    spec.process.consoleSize = { height: 33, width: 77 };
  });
  const seen: unknown[] = [
    side.success('create', '--bundle', bundle, '--console-socket', socket, 'console'),
  ];
  const pid = side.pid('console');
  seen.push(side.success('start', 'console'));
  await gone(native, pid);
  await ended;
  side.call(['delete', 'console']);
  const [, facts = '{}', ...output] = said.split('\n');
  const { count, rest, size } = JSON.parse(facts);
  return [...seen, { count, rest, size }, output.join('\n')];
});

same('descriptors: those of LISTEN_FDS, then the preserved', (side) => {
  const script =
    'for i in 3 4 5; do test -e /proc/self/fd/$i && cat <&$i; done; echo $LISTEN_FDS $LISTEN_PID';
  const given = ['one\n', 'two\n'].map((text, index) => {
    const file = join(side.folder, `fd${index}`);
    writeFileSync(file, text);
    return file;
  });
  const run = (pid: string, preserve: string, bundle: string): Outcome =>
    side.call(['run', '--preserve-fds', preserve, '--bundle', bundle, 'fds'], {
      fds: given.map((_, index) => openSync(join(side.folder, `fd${index}`), 'r')),
      listenPid: pid,
    });
  const calls = [
    ...['0', '1'].map((preserve) => ['$$', preserve] as const),
    // Not for this process, so not for the container.
    ...['0', '1', '2'].flatMap((preserve) => [['1', preserve] as const, ['', preserve] as const]),
  ];
  return calls.map(([pid, preserve]) => run(pid, preserve, side.bundle(['sh', '-c', script])));
});

same('spec: a file that is not there yet, and runs', (side) => {
  const folder = join(side.folder, 'spec');
  mkdirSync(folder);
  const seen = [side.call(['spec'], { cwd: folder }), side.failure('spec', '--bundle', folder)];
  const { process, root, mounts, hostname } = JSON.parse(
    readFileSync(join(folder, 'config.json'), 'utf8'),
  );
  return [
    ...seen,
    process.args,
    process.terminal,
    root,
    mounts.map(({ destination }: { destination: string }) => destination).sort(),
    typeof hostname,
  ];
});

bed.check(
  'features: everything of runc, in its types',
  () => {
    if (reference === undefined) throw new Error('there is no runc');
    const [expected, actual] = [reference, subject].map((side) =>
      JSON.parse(side.call(['features']).stdout),
    );
    const { annotations: _, ...known } = expected;
    const shape = shapeOf(actual) as Record<string, unknown>;
    for (const [key, value] of Object.entries(known)) {
      assert.is(typeof shape[key] === typeof shapeOf(value), true, key);
    }
    for (const hook of expected.hooks) assert.ok(actual.hooks.includes(hook), hook);
    for (const name of expected.linux.namespaces)
      assert.ok(actual.linux.namespaces.includes(name), name);
    for (const name of expected.linux.capabilities)
      assert.ok(actual.linux.capabilities.includes(name), name);
  },
  bed.has('features') ? undefined : `${bed.runtimeName} features`,
);

same('--version: what go-runc and CRI-O parse', (side) => {
  const lines = side.call(['--version']).stdout.split('\n');
  return [
    /^runc version \S+$/.test(lines[0] ?? ''),
    lines.some((line) => line.startsWith('commit: ')),
    lines.some((line) => /^spec: \d/.test(line)),
  ];
});

same('checkpoint --help: what Podman probes', (side) => side.call(['checkpoint', '--help']).code, [
  'checkpoint',
]);

bed.finish();
