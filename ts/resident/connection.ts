import { constants } from 'node:os';
import { TsruncError } from '../errors.js';
import type { ExitStatus, LocalNative, SpawnedProcess, SpawnOptions } from '../native/native.js';
import type { Fields, OrderName, Report } from './messages.js';
import { decodeReport, encodeOrders, type Order } from './wire.js';

type SignalListener = (name: NodeJS.Signals) => void;

const signalNames = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** The host's end of its connection with a launcher whose call it carries out. */
export class Connection {
  /** The launcher lasts as long as its child, and goes on without us if need be. */
  isRunning = false;
  /** Resolves when the launcher is gone. */
  readonly lost: Promise<void>;
  readonly #native: LocalNative;
  readonly #socket: number;
  readonly #children = new Set<number>();
  readonly #exits = new Map<number, ExitStatus>();
  readonly #waits = new Map<number, (status: ExitStatus) => void>();
  readonly #listeners = new Map<NodeJS.Signals, SignalListener[]>();
  readonly #pending: Order[] = [];
  #spawning: { resolve(spawned: SpawnedProcess): void; reject(error: Error): void } | undefined;
  #lose: () => void = () => {};
  #isLost = false;
  #isClosed = false;

  constructor(native: LocalNative, socket: number) {
    this.#native = native;
    this.#socket = socket;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /** Hears of what the launcher says, until it says no more. Never rejects. */
  async listen(): Promise<void> {
    try {
      // Once it is closed its number may be another call's.
      while (!this.#isClosed) {
        const received = await this.#native.receive(this.#socket);
        if (received === undefined) break;
        const report = decodeReport(received.data);
        if (report === undefined || !this.#isDue(report, received.fds.length)) {
          for (const fd of received.fds) this.#native.close(fd);
          break;
        }
        this.#take(report, received.fds);
      }
    } catch {
      // A connection that can't be read is none.
    }
    this.#hangUp();
  }

  /**
   * Asks something of the launcher, at once or, since each message wakes it, together with what else is asked of it
   * before this process turns to something else. That it has gone is heard elsewhere.
   */
  order<Name extends OrderName>(name: Name, fields: Fields<Name>): void {
    if (this.#pending.length === 0) setImmediate(() => this.flush());
    this.#pending.push({ name, fields } as unknown as Order);
  }

  /** Sends what was ordered. */
  flush(fds?: readonly number[]): void {
    const orders = this.#pending.splice(0);
    if (this.#isLost || orders.length === 0) return;
    try {
      this.#native.send(this.#socket, encodeOrders(orders), fds);
    } catch {
      // EPIPE, or EAGAIN from a launcher that has stopped to read: an order that is lost is the end of the call.
      this.#hangUp();
      this.close();
    }
  }

  /** Throws when the launcher is known to be gone. */
  requireCaller(): void {
    if (this.#isLost) throw callerGone();
  }

  /** Has the launcher start init. */
  async spawn({ callers = [], fds, args, cgroup }: SpawnOptions): Promise<SpawnedProcess> {
    this.requireCaller();
    const attached = [this.#native.image(), ...fds, ...(cgroup === undefined ? [] : [cgroup])];
    const answer = new Promise<SpawnedProcess>((resolve, reject) => {
      this.#spawning = { resolve, reject };
    });
    // Also when it is gone before anybody waits for it.
    answer.catch(() => {});
    this.order('spawn', { callers, args, intoCgroup: cgroup !== undefined });
    this.flush(attached);
    return answer;
  }

  /** How a child of the launcher's has ended, as soon as it has. */
  exitOf(pid: number): Promise<ExitStatus> {
    // What was spawned is awaited by the launcher anyway.
    if (!this.#children.has(pid)) this.order('awaitExit', { pid });
    const known = this.#exits.get(pid);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waits.set(pid, resolve));
  }

  on(name: NodeJS.Signals, listener: SignalListener): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  off(name: NodeJS.Signals, listener: SignalListener): void {
    const left = (this.#listeners.get(name) ?? []).filter((each) => each !== listener);
    this.#listeners.set(name, left);
  }

  close(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    this.#isLost = true;
    this.#native.close(this.#socket);
  }

  /** The launcher is gone, or as good as that. */
  #hangUp(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#spawning?.reject(callerGone());
    this.#spawning = undefined;
    this.#lose();
    // What was begun is taken back, as when a signal ends it. What runs is left alone, as by a command that is killed.
    if (!this.isRunning) this.#deliver('SIGTERM');
  }

  /** Whether such a report may come now, with so many descriptors. */
  #isDue({ name }: Report, attached: number): boolean {
    if (name === 'spawned') return attached === 1 && this.#spawning !== undefined;
    return attached === 0 && name !== 'call';
  }

  #take(report: Report, fds: readonly number[]): void {
    switch (report.name) {
      case 'spawned':
        this.#children.add(report.pid);
        this.#spawning?.resolve({ pid: report.pid, pidfd: fds[0] as number });
        this.#spawning = undefined;
        break;
      case 'notSpawned':
        this.#spawning?.reject(notSpawned(report));
        this.#spawning = undefined;
        break;
      case 'exited':
        this.#ended(report);
        break;
      case 'signalled': {
        const name = signalNames.get(report.signal);
        // Nobody here minds it: then it does to the launcher what it does to any process.
        if (name === undefined || !this.#deliver(name))
          this.order('takeSignal', { signal: report.signal });
        break;
      }
      case 'call':
        break;
    }
  }

  #ended({ pid, code, signal }: Fields<'exited'>): void {
    const status = signal === 0 ? { code } : { signal };
    const wait = this.#waits.get(pid);
    if (wait === undefined) this.#exits.set(pid, status);
    else wait(status);
    this.#waits.delete(pid);
  }

  /** False when nobody listens. */
  #deliver(name: NodeJS.Signals): boolean {
    const listeners = this.#listeners.get(name) ?? [];
    for (const listener of listeners) listener(name);
    return listeners.length > 0;
  }
}

export function callerGone(): TsruncError {
  return new TsruncError('the caller has ended: what had been made is removed again', {
    code: 'ABORTED',
  });
}

/** As the addon throws it. */
function notSpawned({ errno, syscall }: Fields<'notSpawned'>): Error {
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  return Object.assign(new Error(`${code ?? errno}: init could not be started, ${syscall}`), {
    code: code ?? 'EIO',
    errno: -errno,
    syscall,
  });
}
