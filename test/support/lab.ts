import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { defaultSpec } from '../../ts/spec/default.js';
import type { Linux, Process, Spec } from '../../ts/spec/types.js';
import { patience } from './patience.js';
import { ResidentHost } from './resident.js';
import { descendants, leftCgroups, mountTargets, removeCgroups } from './traces.js';

/** The command as it is shipped: `npm run build` makes it. */
export const command = fileURLToPath(new URL('../../dist/tsrunc', import.meta.url));
const tree = fileURLToPath(new URL('../..', import.meta.url));

const native = loadNative();

/** `TSRUNC_HOST=on npm test`: all calls go by a host; else by none, also where the machine has one. */
const resident = process.env['TSRUNC_HOST'] === 'on' ? new ResidentHost() : undefined;
process.env['TSRUNC_HOST'] = resident?.socket ?? 'off';

const busybox = join(tree, 'bundle-fixtures/busybox/rootfs');
if (!existsSync(busybox)) {
  execFileSync(process.execPath, [join(tree, 'scripts/busybox-bundle.mjs')]);
}

/** A configuration in which everything that tests change is there. */
export type TestSpec = Spec & {
  process: Process & Required<Pick<Process, 'args' | 'env' | 'capabilities'>>;
  root: NonNullable<Spec['root']>;
  mounts: NonNullable<Spec['mounts']>;
  hooks: NonNullable<Spec['hooks']>;
  linux: Linux & Required<Pick<Linux, 'namespaces' | 'maskedPaths' | 'readonlyPaths'>>;
};
export type Mutate = (spec: TestSpec, bundle: string) => void;

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Container {
  readonly id: string;
  readonly pid: number;
  readonly bundle: string;
}

export interface BundleOptions {
  /** `private`: a copy in the bundle, which the test may change; else all share one that nobody writes. */
  readonly rootfs?: 'shared' | 'private';
}

export interface CallOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What becomes descriptors 3 and up. */
  readonly fds?: readonly number[];
  /** What becomes descriptor 1, when the test reads it itself. */
  readonly stdout?: number;
  /** The user and the group that calls, instead of the test's own. */
  readonly user?: number;
}

/** What one test file needs to make containers: a folder, a state root, bundles, and a check that all is gone at the end. */
export class Lab {
  readonly folder: string;
  /** The state root: `--root`. */
  readonly root: string;
  /** The root file system that this file's containers share, read-only. */
  readonly rootfs: string;
  readonly #mountsBefore = mountTargets();
  readonly #processesBefore = new Set(descendants().map(({ pid }) => pid));
  #count = 0;

  /** @param parent where the folder is made; the default is closed to other users under `npm test`. */
  constructor(parent = tmpdir()) {
    // Containers that tests orphan come here, not to a PID 1 that may not reap them.
    native.setSubreaper(true);
    this.folder = mkdtempSync(join(parent, 'lab-'));
    chmodSync(this.folder, 0o755);
    this.root = join(this.folder, 'state');
    this.rootfs = join(this.folder, 'rootfs');
    // A copy for each test file: what is made in it before it becomes read-only stays.
    execFileSync('cp', ['-a', busybox, this.rootfs]);
  }

  /** A name that no other container or file of this test file has. */
  name(): string {
    return `t${++this.#count}`;
  }

  /** Makes a bundle from the default configuration, without a terminal. Returns its folder. */
  bundle(mutate: Mutate = () => {}, { rootfs = 'shared' }: BundleOptions = {}): string {
    const name = this.name();
    const bundle = join(this.folder, name);
    mkdirSync(bundle);
    if (rootfs === 'private') execFileSync('cp', ['-a', busybox, join(bundle, 'rootfs')]);
    const spec = structuredClone({ hooks: {}, ...defaultSpec() }) as TestSpec;
    spec.process.terminal = false;
    spec.process.args = ['true'];
    spec.root = {
      path: rootfs === 'private' ? 'rootfs' : this.rootfs,
      readonly: rootfs === 'shared',
    };
    spec.linux.cgroupsPath = `/tsrunc-test-${process.pid}/${name}`;
    mutate(spec, bundle);
    this.writeConfig(bundle, spec);
    return bundle;
  }

  writeConfig(bundle: string, spec: unknown): void {
    const text = JSON.stringify(spec, (_, value) =>
      typeof value === 'bigint' ? Number(value) : value,
    );
    writeFileSync(join(bundle, 'config.json'), text);
  }

  /** Runs the command with this file's state root and waits for it. */
  tsrunc(args: readonly string[], options: CallOptions = {}): Outcome {
    // Files, not pipes: a container that outlives the call holds them open, and nobody may wait for that.
    const files = ['out', 'err'].map((name) => join(this.folder, `std${name}`));
    const [out = 1, err = 2] = files.map((file) => openSync(file, 'w+'));
    try {
      const { status, signal } = spawnSync(command, ['--root', this.root, ...args], {
        env: { ...callersEnvironment(), ...options.env },
        cwd: options.cwd,
        // An empty input, not the test's own stdin.
        input: options.input ?? '',
        stdio: ['pipe', options.stdout ?? out, err, ...(options.fds ?? [])],
        timeout: patience(60_000),
        ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
      });
      const [stdout = '', stderr = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { code: status, signal, stdout, stderr };
    } finally {
      closeSync(out);
      closeSync(err);
    }
  }

  /** The same, for a call that must succeed. Returns what it printed. */
  ok(args: readonly string[], options: CallOptions = {}): string {
    const { code, stdout, stderr } = this.tsrunc(args, options);
    assert.is(code, 0, `tsrunc ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  /** The same, for a call that must fail with status 1 and one line. Returns that line. */
  fails(args: readonly string[], options: CallOptions = {}): string {
    const { code, stderr, stdout } = this.tsrunc(args, options);
    assert.is(code, 1, `tsrunc ${args.join(' ')} must fail; it printed: ${stderr}${stdout}`);
    assert.match(stderr, /^[^\n]+\n$/);
    return stderr.trimEnd();
  }

  /** Starts the command, for tests that watch it. `input` and `fds` are the test's affair. */
  spawn(args: readonly string[], stdio: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
    return spawn(command, ['--root', this.root, ...args], {
      env: callersEnvironment(),
      stdio: ['ignore', stdio, stdio],
    });
  }

  /** What a shell script prints in a container of its own, which must end with status 0. */
  inside(script: string, mutate: Mutate = () => {}, options: BundleOptions = {}): string {
    const bundle = this.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', script];
      mutate(spec, folder);
    }, options);
    return this.ok(['run', '--bundle', bundle, this.name()]).trimEnd();
  }

  /** Runs the command in a mount namespace of its own, after a shell script has mounted things there and before another one. Returns all output. */
  withMounts(script: string, args: readonly string[], after = ''): string {
    return execFileSync(
      'unshare',
      ['-m', 'sh', '-ec', `${script}; "$@"; ${after}`, 'sh', command, '--root', this.root, ...args],
      { encoding: 'utf8', env: callersEnvironment(), timeout: patience(60_000) },
    );
  }

  /** What `run` says when it can't run such a container. */
  refuses(mutate: Mutate, options: BundleOptions = {}): string {
    return this.fails(['run', '--bundle', this.bundle(mutate, options), this.name()]);
  }

  /** Creates a container that waits for `start`. Returns its name and its pid. */
  create(bundle: string, ...args: string[]): Container {
    const id = this.name();
    this.ok(['create', '--bundle', bundle, ...args, id]);
    return { id, pid: this.state(id).pid, bundle };
  }

  /** Creates and starts a container, and waits for the first line of its output. */
  start(bundle: string, ...args: string[]): Container {
    const id = this.name();
    const [read, write] = native.pipe();
    try {
      this.ok(['create', '--bundle', bundle, ...args, id], { stdout: write });
      native.close(write);
      this.ok(['start', id]);
      // The end of file, when it ends without a word.
      if (readSync(read, Buffer.alloc(1)) === 0) assert.unreachable(`${id} said nothing`);
      return { id, pid: this.state(id).pid, bundle };
    } finally {
      native.close(read);
    }
  }

  state(id: string): { pid: number; status: string; [name: string]: unknown } {
    return JSON.parse(this.ok(['state', id]));
  }

  /** Everything of this file's containers that is still there, each as a sentence. */
  traces(): string[] {
    const before = this.#mountsBefore;
    return [
      ...this.#containers().map((id) => `container ${id}`),
      ...mountTargets()
        .filter((target) => target.startsWith(this.folder) && !before.includes(target))
        .map((target) => `mount ${target}`),
      ...leftCgroups(),
      ...descendants()
        .filter(({ pid, name }) => !this.#processesBefore.has(pid) && name !== 'esbuild')
        .map(({ pid, name }) => `process ${pid} (${name})`),
    ];
  }

  /** To be called last: adds the test that nothing is left, and runs the file's tests. */
  finish(test: Test): void {
    test('nothing of the containers is left behind', () => {
      const traces = this.traces();
      for (const id of this.#containers()) this.tsrunc(['delete', '--force', '--', id]);
      assert.equal(traces, []);
    });
    test.after(async () => {
      await resident?.end();
      removeCgroups();
      rmSync(this.folder, { recursive: true, force: true });
    });
    test.run();
  }

  #containers(): string[] {
    return this.ok(['list', '-q']).split('\n').filter(Boolean);
  }
}

/** Parsing a file of certificates at each start of Node would double the time of the tests. */
function callersEnvironment(): NodeJS.ProcessEnv {
  const {
    NODE_EXTRA_CA_CERTS: _,
    NODE_OPTIONS: __,
    LISTEN_FDS: ___,
    NOTIFY_SOCKET: ____,
    ...env
  } = process.env;
  return env;
}
