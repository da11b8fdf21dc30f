import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Cancellation } from '../cancellation.js';
import type { Native } from '../native/native.js';
import type { Hook } from '../spec/types.js';

/** How a hook ended; `started` false: it never ran, and `error` says why. */
export type HookEnd =
  | { readonly started: false; readonly error: unknown }
  | {
      readonly started: true;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
      /** Whether we ended it, and for what. */
      readonly killedFor?: 'timeout' | 'abort';
      /** The end of what it wrote to stderr. */
      readonly complaint: string;
    };

export type HookNative = Pick<Native, 'memfd' | 'pipe' | 'close'>;

/** How much of a hook's stderr is kept, in bytes. */
const keptBytes = 4096;
/** The longest time that a timer of Node's can wait; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * Runs one hook and waits until its process has ended; children that it leaves behind are
 * not waited for. `input` is what it finds on stdin. Rejects only when no pipe can be made.
 *
 * Node's own pipes are sockets, and /dev/stdin and /dev/stderr can't be opened on a socket,
 * which shell scripts do. So stdin is a memfd, which a hook may also leave unread, and stderr a real pipe.
 */
export async function runProcess(
  hook: Hook,
  input: string,
  cwd: string,
  native: HookNative,
  signal?: Cancellation,
): Promise<HookEnd> {
  const [readEnd, writeEnd] = native.pipe();
  const stderr = new Tail(readEnd);
  let stdin: number | undefined;
  let child: ChildProcess;
  try {
    stdin = native.memfd('tsrunc-hook-state', Buffer.from(input));
    const args = hook.args ?? [];
    child = spawn(hook.path, args.slice(1), {
      argv0: args[0] ?? hook.path,
      env: environment(hook.env ?? []),
      // poststop hooks run when the bundle may be gone already.
      cwd: existsSync(cwd) ? cwd : '/',
      stdio: [stdin, 'ignore', writeEnd],
      // A process group of its own, so that a timeout ends what the hook has started too.
      detached: true,
    });
  } catch (error) {
    stderr.end();
    return { started: false, error };
  } finally {
    if (stdin !== undefined) native.close(stdin);
    native.close(writeEnd);
  }
  return ended(child, hook, stderr, signal);
}

function ended(
  child: ChildProcess,
  hook: Hook,
  stderr: Tail,
  signal: Cancellation | undefined,
): Promise<HookEnd> {
  return new Promise((resolve) => {
    let killedFor: 'timeout' | 'abort' | undefined;
    const kill = (why: 'timeout' | 'abort'): void => {
      killedFor ??= why;
      // Until `exit` the child isn't reaped or its exit isn't known here: the group's number is still its own.
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const abort = (): void => kill('abort');
    const timer =
      hook.timeout === undefined
        ? undefined
        : setTimeout(kill, Math.min(hook.timeout * 1000, longestTimer), 'timeout');
    const finish = (end: HookEnd): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(end);
    };
    child.once('error', (error) => {
      stderr.end();
      finish({ started: false, error });
    });
    // Not `close`: a daemon that the hook leaves behind may hold the pipe for ever.
    child.once('exit', (code, signalName) => {
      const complaint = stderr.end();
      const why = killedFor === undefined ? {} : { killedFor };
      finish({ started: true, code, signal: signalName, complaint, ...why });
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended by itself just now; `exit` follows.
  }
}

/** Exactly `entries`, `NAME=value` each; of two with one name the later counts. */
function environment(entries: readonly string[]): NodeJS.ProcessEnv {
  // No prototype: a variable may be called __proto__.
  const env = Object.create(null) as NodeJS.ProcessEnv;
  for (const entry of entries) {
    const end = entry.indexOf('=');
    if (end > 0) env[entry.slice(0, end)] = entry.slice(end + 1);
  }
  return env;
}

/** Reads a pipe as it fills, and keeps the end of it. */
class Tail {
  readonly #fd: number;
  readonly #socket: Socket;
  #kept = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on('data', (chunk: Buffer) => this.#add(chunk));
    this.#socket.on('error', () => {});
  }

  /** What was written last, and the pipe's end. */
  end(): string {
    this.#drain();
    this.#socket.destroy();
    return this.#kept.toString('utf8').trim();
  }

  #add(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-keptBytes);
  }

  /** What the event loop hasn't fetched yet: at most what a pipe holds, since a daemon may write on. */
  #drain(): void {
    if (this.#socket.destroyed || this.#socket.readableEnded) return;
    const chunk = Buffer.alloc(65_536);
    try {
      this.#add(chunk.subarray(0, readSync(this.#fd, chunk)));
    } catch {
      // EAGAIN: there is nothing more; a daemon still holds the other end.
    }
  }
}
