/** What the tests of daemons stand on: the runtime under test as one executable, an image, a folder, users. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Callback, suite, type Test } from 'uvu';
import * as assert from 'uvu/assert';

const tree = fileURLToPath(new URL('../..', import.meta.url));

export type RuntimeName = 'tsrunc' | 'runc' | 'crun';

/** The runtime that the daemons drive: the same tests run with each. */
export const underTest = (process.env['TSRUNC_DAEMONS_RUNTIME'] ?? 'tsrunc') as RuntimeName;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly user?: number;
  /** In milliseconds. */
  readonly timeout?: number;
}

/** What the image of kind `oci` is called. */
export const image = 'example.test/busybox:latest';

/** An unprivileged user that exists in this world only, and its subordinate ids. */
export const user = { name: 'boxer', id: 21_021, first: 600_000, count: 65_536 } as const;

/** What runc says of a command that isn't there; crun names it, and Podman knows both. */
export const notInPath = /executable file (`nix` )?not found in \$PATH/;

/** Where a program is, or undefined. */
export function executable(name: string): string | undefined {
  const { status, stdout } = spawnSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** One per test file. */
export class Bed {
  readonly folder: string;
  /** The root file system of busybox. */
  readonly rootfs: string;
  /** A folder for the PATH of daemons, in which `runc` is the runtime under test. */
  readonly bin: string;
  /** The path of the runtime under test. */
  readonly runtime: string;
  readonly test: Test;
  readonly #missing: string | undefined;
  readonly #daemons: ChildProcess[] = [];

  /** @param programs what the tests call: a program of the PATH, and the Debian package that brings it. */
  constructor(
    programs: Readonly<Record<string, string>>,
    readonly runtimeName = underTest,
  ) {
    // The tests mount, listen in /run, and give users to /etc/passwd: scripts/world.mjs makes a place for that.
    if (process.env['TSRUNC_WORLD'] === undefined) {
      throw new Error(
        'run the tests of daemons by `npm test -- daemons`: they need a world of their own',
      );
    }
    const all = runtimeName === 'tsrunc' ? programs : { ...programs, [runtimeName]: runtimeName };
    const absent = Object.entries(all).filter(([name]) => executable(name) === undefined);
    this.#missing =
      absent.length === 0 ? undefined : [...new Set(absent.map(([, name]) => name))].join(', ');
    this.test = suite();
    // This world's own tmpfs: short for sockets, open to all users, and overlay goes on top of it.
    this.folder = '/run/bed';
    mkdirSync(this.folder);
    this.rootfs = join(tree, 'bundle-fixtures/busybox/rootfs');
    this.bin = join(this.folder, 'bin');
    mkdirSync(this.bin);
    this.runtime =
      runtimeName === 'tsrunc'
        ? join(tree, 'dist/tsrunc')
        : (executable(runtimeName) ?? runtimeName);
    symlinkSync(this.runtime, join(this.bin, 'runc'));
  }

  /** Whether the runtime under test has a command. */
  has(command: string): boolean {
    return spawnSync(this.runtime, [command, '--help'], { env: environment() }).status === 0;
  }

  /** What a test wants that needs a mount option which the runtime doesn't know; undefined when it does. */
  mountOption(option: string): string | undefined {
    const { stdout } = spawnSync(this.runtime, ['features'], {
      env: environment(),
      encoding: 'utf8',
    });
    return stdout?.includes(`"${option}"`)
      ? undefined
      : `${this.runtimeName} with the mount option ${option}`;
  }

  /** Adds a test, or skips it. `wants` says what is missing for it. The result of each goes to the table of `npm run daemons`. */
  check(name: string, body: Callback, wants?: string): void {
    const missing = this.#missing ?? wants;
    if (missing !== undefined) {
      this.test.skip(name);
      console.log(`# skipped: ${name}: wants ${missing}`);
      console.log(`# result: skipped: ${name}`);
      return;
    }
    this.test(name, async (context) => {
      let result = 'failed';
      const since = Date.now();
      try {
        await body(context);
        result = 'passed';
      } finally {
        console.log(`# result: ${result}: ${name} (${Date.now() - since} ms)`);
      }
    });
  }

  /** The same, for what needs a command of the runtime. */
  checkWith(command: string, name: string, body: Callback): void {
    this.check(name, body, this.has(command) ? undefined : `${this.runtimeName} ${command}`);
  }

  /** Before all tests, unless they are skipped. */
  before(action: () => Promise<void> | void): void {
    if (this.#missing !== undefined) return;
    this.test.before(async () => {
      try {
        await action();
      } catch (error) {
        // uvu keeps the reason to itself.
        console.log(error);
        throw error;
      }
    });
  }

  /** Runs a program and waits for it. Its stdin is empty unless given. */
  call(program: string, args: readonly string[], options: CallOptions = {}): Outcome {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      env: { ...environment(), ...options.env },
      cwd: options.cwd,
      input: options.input ?? '',
      encoding: 'utf8',
      // For what hangs only: a machine with a load is slow.
      timeout: options.timeout ?? 120_000,
      maxBuffer: 1 << 26,
      ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
    });
    if (error !== undefined)
      throw new Error(`${program} ${args.join(' ')}: ${error.message}: ${stderr}`);
    return { code: status, stdout, stderr };
  }

  /** The same for a program that wants a terminal; stdout is what appears on it. */
  onTerminal(command: readonly string[], options: CallOptions = {}): Outcome {
    const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return this.call('script', ['-qefc', line, '/dev/null'], options);
  }

  /** Starts a daemon and resolves when it has said that it is ready. `finish` ends it. */
  async daemon(
    command: readonly [string, ...string[]],
    ready: RegExp,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const [program, ...args] = command;
    // A file, not a pipe: nobody would empty that while a test waits for another program.
    const log = join(this.folder, `${program}.log`);
    const fd = openSync(log, 'w');
    const child = spawn(program, args, {
      env: { ...environment(), PATH: `${this.bin}:${process.env['PATH']}`, ...env },
      stdio: ['ignore', 'ignore', fd],
    });
    closeSync(fd);
    this.#daemons.push(child);
    const said = (): string => readFileSync(log, 'utf8');
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${program} ended:\n${said()}`)));
      const look = (): void => {
        if (!ready.test(said())) return;
        watcher.close();
        resolve();
      };
      const watcher = watch(log, look);
      // What was said before it was watched.
      look();
    });
  }

  /** Gives this world a user of its own, with subordinate ids. Nothing is written to the host's files. */
  addUser(): void {
    const { name, id, first, count } = user;
    const home = join(this.folder, 'home');
    const lines = {
      passwd: `${name}:x:${id}:${id}::${home}:/bin/sh\n`,
      group: `${name}:x:${id}:\n`,
      // Podman takes those of --userns=auto from the user "containers".
      subuid: `${name}:${first}:${count}\ncontainers:${first + count}:${16 * count}\n`,
      subgid: `${name}:${first}:${count}\ncontainers:${first + count}:${16 * count}\n`,
    };
    for (const [file, line] of Object.entries(lines)) {
      const copy = join(this.folder, file);
      if (existsSync(`/etc/${file}`)) copyFileSync(`/etc/${file}`, copy);
      else writeFileSync(`/etc/${file}`, '');
      appendFileSync(copy, line);
      execFileSync('mount', ['--bind', copy, `/etc/${file}`]);
    }
    mkdirSync(home);
    execFileSync('chown', [`${id}:${id}`, home]);
  }

  /** A tar of the root file system, and the same as an OCI layout with one layer. */
  image(kind: 'rootfs' | 'oci'): string {
    const file = join(this.folder, `${kind}.tar`);
    if (existsSync(file)) return file;
    if (kind === 'rootfs')
      execFileSync('tar', ['-C', this.rootfs, '-cf', file, '--owner=0', '--group=0', '.']);
    else
      execFileSync(process.execPath, [
        join(tree, 'test/daemons/oci-layout.mjs'),
        this.image('rootfs'),
        file,
      ]);
    return file;
  }

  /** To be called last. Ends the daemons in the reverse order of their starts, and looks for what the runtime has left. */
  finish(): void {
    if (this.#missing === undefined) {
      this.test.after(async () => {
        for (const child of this.#daemons.reverse()) {
          await ended(child, 'SIGTERM');
        }
      });
    }
    this.test.run();
  }
}

/** The environment of the callers: nothing that slows down each start of Node, and nobody's Docker. */
export function environment(): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, DOCKER_HOST: ___, ...env } = process.env;
  return env as Record<string, string>;
}

/** Sends a signal to a child, unless it has ended already, and resolves once it has. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

/** Asserts that a call succeeded and returns what it printed. */
export function ok(what: string, { code, stdout, stderr }: Outcome): string {
  assert.is(code, 0, `${what}: ${stderr}${stdout}`);
  return stdout;
}
