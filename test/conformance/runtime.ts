import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { patience } from '../support/patience.js';

/** A runtime under test: a name for the report and the command that starts it. */
export interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
  readonly version: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface CallOptions {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** A shell's command that the call's process executes first: `umask 031`. */
  readonly prelude?: string;
  /** Seconds after which the call is killed and counts as hung. */
  readonly timeout?: number;
  /** Kills the call. */
  readonly signal?: AbortSignal;
  /** Given the standard output while the call runs; it may outlive the call. Else that goes to a file. */
  readonly onOutput?: (stdout: Readable) => void;
}

/** This tree's own command, when the suite lies in the tree of tsrunc. */
const ours = fileURLToPath(new URL('../../dist/tsrunc', import.meta.url));

/** A path or a name; `NAME=PATH` gives it another name in the report. Throws when there is no such runtime. */
export async function findRuntime(wanted: string, folder: string): Promise<Runtime> {
  const equals = wanted.indexOf('=');
  const given = wanted.slice(equals + 1);
  const place =
    given === 'tsrunc' && existsSync(ours) ? ours : given.includes('/') ? resolve(given) : given;
  const name = equals > 0 ? wanted.slice(0, equals) : basename(given).replace(/\.[cm]?js$/, '');
  const outcome = await execute([place, '--version'], folder).catch((error: Error) => {
    throw new Error(`The runtime ${wanted} can't be started: ${error.message}.`);
  });
  if (outcome.code !== 0) throw new Error(`"${place} --version" failed: ${outcome.stderr.trim()}`);
  return { name, command: [place], version: outcome.stdout.split('\n')[0] ?? '' };
}

let calls = 0;

/** Runs a command to its end. Rejects when there is no such command. */
export function execute(
  command: readonly string[],
  folder: string,
  { cwd, env = {}, input = '', prelude, timeout = 20, onOutput, signal: abort }: CallOptions = {},
): Promise<Outcome> {
  if (abort?.aborted) return Promise.reject(new Error('broken off'));
  // Files, not pipes: what outlives the call holds them open, and nobody may wait for that.
  mkdirSync(folder, { recursive: true });
  const files = ['out', 'err'].map((kind) => join(folder, `call-${++calls}.${kind}`));
  const [out = 1, err = 2] = files.map((file) => openSync(file, 'w'));
  const [file = '', ...args] =
    prelude === undefined ? command : ['sh', '-c', `${prelude}; exec "$@"`, 'sh', ...command];
  return new Promise((done, fail) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...callersEnvironment(), ...env },
      stdio: ['pipe', onOutput ? 'pipe' : out, err],
    });
    closeSync(out);
    closeSync(err);
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        child.kill('SIGKILL');
      },
      patience(timeout * 1000),
    );
    const kill = (): void => void child.kill('SIGKILL');
    abort?.addEventListener('abort', kill, { once: true });
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    child.stdin?.on('error', () => {}).end(input);
    if (onOutput && child.stdout) onOutput(child.stdout);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      abort?.removeEventListener('abort', kill);
      // The test is over, and its folder perhaps gone.
      if (abort?.aborted) return fail(new Error('broken off'));
      try {
        const [stdout = '', stderr = ''] = files.map((each) => readFileSync(each, 'utf8'));
        done({ code, signal, stdout, stderr, timedOut });
      } catch (error) {
        // Not ours to lose: the runtime has removed more than it should.
        fail(error);
      }
    });
  });
}

/** What changes a runtime's behaviour, or only slows its start, is not handed on. */
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

/** A call in one line, for reports. */
export function describe({ code, signal, stdout, stderr, timedOut }: Outcome): string {
  const how = timedOut ? 'hung and was killed' : `ended with ${signal ?? `status ${code}`}`;
  const said = (stderr.trim() || stdout.trim()).replaceAll('\n', ' ⏎ ').slice(0, 400);
  return said === '' ? how : `${how}: ${said}`;
}
