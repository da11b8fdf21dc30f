import { type Caller, Declined, type SignalSource } from '../native/caller.js';
import type { LocalNative, Native } from '../native/native.js';
import type { Connection } from './connection.js';
import type { Fields } from './messages.js';
import { remoteNative } from './remote-native.js';

/** Who has called by way of a launcher. */
export class LauncherCaller implements Caller {
  readonly proc: string;
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly native: Native;
  readonly signals: SignalSource;
  readonly #connection: Connection;
  readonly #own: ReadonlySet<number>;
  readonly #atEnd: (() => void)[] = [];
  #took = false;

  constructor(
    readonly pid: number,
    { directory, environment, own }: Fields<'call'>,
    local: LocalNative,
    connection: Connection,
  ) {
    this.proc = `/proc/${pid}`;
    this.directory = directory;
    this.env = toEnvironment(environment);
    this.native = remoteNative(local, connection);
    this.signals = connection;
    this.#connection = connection;
    this.#own = new Set(own);
  }

  isOwn(fd: number): boolean {
    // More than a launcher can pass on.
    if (fd > MOST_FDS) this.alone('so many descriptors');
    return this.#own.has(fd);
  }

  alone(what: string): void {
    // Too late: it was to be asked for before anything was done.
    if (this.#took) throw new Error(`${what} can't be had of a launcher any more`);
    throw new Declined(what);
  }

  took(undo: readonly string[]): void {
    this.#took = true;
    this.#connection.order('took', { undo });
    // Before it is so; a launcher that has turned away makes the call by itself.
    this.#connection.flush();
    this.#connection.requireCaller();
  }

  running(pid: number, finish: readonly string[]): void {
    this.#connection.isRunning = true;
    this.#connection.order('running', { pid, finish });
  }

  atEnd(act: () => void): void {
    this.#atEnd.push(act);
  }

  /** To be called when the call is over. */
  end(): void {
    for (const act of this.#atEnd.splice(0)) act();
  }

  /** A message holds less than 64 KiB, and no NUL. */
  readonly write = (descriptor: 1 | 2, text: string): void => {
    const clean = text.replaceAll('\0', '');
    // It may be read slowly, and a connection holds only so much.
    if (clean.length > MOST_OUTPUT && !this.#took) this.alone('so long an output');
    for (let at = 0; at < clean.length; at += MOST_TEXT) {
      this.#connection.order('write', { descriptor, text: clean.slice(at, at + MOST_TEXT) });
      if (clean.length > MOST_TEXT / 4) this.#connection.flush();
    }
  };
}

/** In UTF-16, of which a unit takes three bytes at most. */
const MOST_TEXT = 16_384;

const MOST_OUTPUT = 2 * MOST_TEXT;

const MOST_FDS = 200;

function toEnvironment(entries: readonly string[]): NodeJS.ProcessEnv {
  const env = Object.create(null) as NodeJS.ProcessEnv;
  for (const entry of entries) {
    const equals = entry.indexOf('=');
    if (equals > 0) env[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return env;
}
