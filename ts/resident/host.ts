/** What `tsrunc host` does: it carries out the calls of launchers, warm. Nobody needs it; it makes calls cheaper. */
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

export class Host {
  readonly #native: LocalNative;
  readonly #build: Build;
  readonly #carryOut: CarryOut;
  readonly #warn: (message: string) => void;
  /** The calls that are being carried out. */
  readonly #calls = new Set<Connection>();
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
      const accepted = await this.#native.accept(listener);
      if (accepted === undefined) return;
      const connection = new Connection(this.#native, accepted.socket);
      this.#calls.add(connection);
      this.#onBegin();
      void this.#attend(accepted, connection)
        .catch((error: unknown) => this.#warn(`a call broke off: ${String(error)}`))
        .finally(() => {
          connection.close();
          this.#native.close(accepted.pidfd);
          this.#calls.delete(connection);
          for (const act of this.#onEnd) act();
        });
    }
  }

  async #attend({ socket, pid, pidfd, uid }: Accepted, connection: Connection): Promise<void> {
    const received = await this.#native.receive(socket);
    const call = received === undefined ? undefined : decodeReport(received.data);
    for (const fd of received?.fds ?? []) this.#native.close(fd);
    if (call?.name !== 'call') return;
    const suits = uid === process.geteuid?.() && this.#isOfThisBuild(call) && isOfSameWorld(pid);
    // Else it was somebody else who has that number now that was looked at.
    if (!suits || !this.#lives(pidfd)) return connection.order('decline', {});
    const caller = new LauncherCaller(pid, call, this.#native, connection);
    const listening = connection.listen();
    await this.#answer(call.args, caller, connection);
    // The launcher ends when it has done what was asked last.
    await listening;
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
