/** What `tsrunc host` does: it carries out the calls of launchers, warm. Nobody needs it; it makes calls cheaper. */
import { isSystemError } from '../errors.js';
import { Declined } from '../native/caller.js';
import type { Accepted, LocalNative } from '../native/native.js';
import { Connection } from './connection.js';
import { FINGERPRINT } from './fingerprint.js';
import { LauncherCaller } from './launcher-caller.js';
import type { Fields } from './messages.js';
import { isOfSameWorld } from './same-world.js';
import { decodeReport } from './wire.js';

/** What tells a build of the command from another: its code's file. */
export interface Build {
  readonly inode: bigint;
  readonly size: bigint;
  readonly changed: bigint;
}

/** Carries out a command line for a caller. Rejects with Declined when that is to be done elsewhere. */
export type CarryOut = (args: readonly string[], caller: LauncherCaller) => Promise<number>;

/** How long a caller may take to say what he wants, in milliseconds; a launcher does in its next system call. */
const PATIENCE = 10_000;
/** After so many milliseconds a launcher is told that its call is in work; it waits 5 s (cpp/launcher/follower.cc). */
const SIGN_OF_LIFE = 1000;
/** So many can be waited for at once; the oldest goes for one more. */
const MOST_STRANGERS = 256;

/** Of what a connection takes in the kernel. */
const shortages: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
/** In milliseconds. */
const RESPITE = 100;

export class Host {
  readonly #native: LocalNative;
  readonly #build: Build;
  readonly #carryOut: CarryOut;
  readonly #warn: (message: string) => void;
  /** The calls that are being carried out. */
  readonly #calls = new Set<Connection>();
  /** Who has not yet said what he wants, the oldest first. */
  readonly #strangers = new Set<Connection>();
  readonly #onEnd: (() => void)[] = [];
  #onBegin: () => void = () => {};

  constructor(
    native: LocalNative,
    build: Build,
    carryOut: CarryOut,
    warn: (message: string) => void,
  ) {
    this.#native = native;
    this.#build = build;
    this.#carryOut = carryOut;
    this.#warn = warn;
  }

  /** Calls `act` as soon as no call would be broken by the end of this process. */
  whenUnoccupied(act: () => void): void {
    const look = (): void => {
      if ([...this.#calls].every(({ isRunning }) => isRunning)) act();
    };
    this.#onEnd.push(look);
    look();
  }

  /** Calls `act` when there was no call for so many milliseconds. */
  whenIdle(patience: number, act: () => void): void {
    let timer = setTimeout(act, patience);
    const again = (): void => {
      clearTimeout(timer);
      if (this.#calls.size === 0) timer = setTimeout(act, patience);
    };
    this.#onEnd.push(again);
    this.#onBegin = again;
  }

  /** Serves a listening socket until that is closed. */
  async serve(listener: number): Promise<void> {
    for (;;) {
      const accepted = await this.#next(listener);
      if (accepted === undefined) return;
      void this.#meet(accepted);
    }
  }

  /** The next caller. Where there is no descriptor for one more, calls have to end first; who waits too long goes alone. */
  async #next(listener: number): Promise<Accepted | undefined> {
    for (;;) {
      try {
        return await this.#native.accept(listener);
      } catch (error) {
        if (!isSystemError(error) || !shortages.has(error.code)) throw error;
        this.#warn(`no caller can be heard for a moment: ${error.message}`);
        await new Promise((resolve) => setTimeout(resolve, RESPITE));
      }
    }
  }

  async #meet(accepted: Accepted): Promise<void> {
    const connection = new Connection(this.#native, accepted.socket);
    try {
      const call = await this.#hear(accepted, connection);
      if (call !== undefined) await this.#attend(accepted, call, connection);
    } catch (error) {
      this.#warn(`a call broke off: ${String(error)}`);
    } finally {
      connection.close();
      this.#native.close(accepted.pidfd);
    }
  }

  /** What a caller asks for. Undefined for who asks for nothing, in time, that is a call. */
  async #hear(
    { socket, uid }: Accepted,
    connection: Connection,
  ): Promise<Fields<'call'> | undefined> {
    if (uid !== process.geteuid?.()) return undefined;
    this.#strangers.add(connection);
    const [oldest] = this.#strangers;
    if (this.#strangers.size > MOST_STRANGERS) oldest?.close();
    const timer = setTimeout(() => connection.close(), PATIENCE);
    try {
      const received = await this.#native.receive(socket);
      for (const fd of received?.fds ?? []) this.#native.close(fd);
      const report = received === undefined ? undefined : decodeReport(received.data);
      return report?.name === 'call' ? report : undefined;
    } finally {
      clearTimeout(timer);
      this.#strangers.delete(connection);
    }
  }

  async #attend(
    { pid, pidfd }: Accepted,
    call: Fields<'call'>,
    connection: Connection,
  ): Promise<void> {
    const suits = this.#isOfThisBuild(call) && isOfSameWorld(pid);
    // Else it was somebody else who has that number now that was looked at.
    if (!suits || !this.#lives(pidfd)) return connection.order('decline', {});
    this.#calls.add(connection);
    this.#onBegin();
    const sign = setTimeout(() => connection.order('working', {}), SIGN_OF_LIFE);
    try {
      const caller = new LauncherCaller(pid, call, this.#native, connection);
      const listening = connection.listen();
      await this.#answer(call.args, caller, connection);
      // The launcher ends when it has done what was asked last.
      await listening;
    } finally {
      clearTimeout(sign);
      connection.close();
      this.#calls.delete(connection);
      for (const act of this.#onEnd) act();
    }
  }

  async #answer(
    args: readonly string[],
    caller: LauncherCaller,
    connection: Connection,
  ): Promise<void> {
    try {
      connection.order('finish', { code: await this.#carryOut(args, caller) });
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
      connection.order('decline', {});
    } finally {
      connection.flush();
      caller.end();
    }
  }

  #lives(pidfd: number): boolean {
    try {
      this.#native.signal(pidfd, 0);
      return true;
    } catch {
      return false;
    }
  }

  #isOfThisBuild({ fingerprint, inode, size, changed }: Fields<'call'>): boolean {
    return (
      fingerprint === FINGERPRINT &&
      inode === this.#build.inode &&
      size === this.#build.size &&
      changed === this.#build.changed
    );
  }
}
