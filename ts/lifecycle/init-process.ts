import { TsruncError } from '../errors.js';
import type { ExitStatus, Native } from '../native/native.js';

/**
 * Which ends of its children a process takes: of `all`, as a program that goes on must; or of those that are
 * `awaited`, as one does that ends soon and whose parent, a shim, waits for the others. Who reaps one in the moment
 * between its end and its own takes that end from the parent for ever.
 */
export type Reap = 'all' | 'awaited';

/** A child of this process by its pidfd, which is closed when the child has been reaped. */
export class InitProcess {
  readonly pid: number;
  readonly pidfd: number;
  readonly #native: Native;
  #reaped: Promise<ExitStatus> | undefined;
  #isReaped = false;

  constructor(native: Native, pid: number, pidfd: number, reap: Reap) {
    this.#native = native;
    this.pid = pid;
    this.pidfd = pidfd;
    if (reap === 'all') void this.ended;
  }

  /** The same as `exited`, for who must not keep the event loop alive: a created container may outlive us. */
  get ended(): Promise<ExitStatus> {
    if (this.#reaped === undefined) {
      this.#reaped = this.#native
        .waitExit(this.pidfd, { keepAlive: false, pid: this.pid })
        .finally(() => {
          this.#isReaped = true;
          this.#native.close(this.pidfd);
        });
      this.#reaped.catch(() => {});
    }
    return this.#reaped;
  }

  /** Resolves when it has ended and was reaped. Whoever asks keeps the event loop alive. */
  exited(): Promise<ExitStatus> {
    const { ended } = this;
    if (!this.#isReaped) this.#native.holdLoop(this.pidfd);
    return ended;
  }

  /** Lets go of it, unless its end is awaited. Nobody will ask for it any more. */
  release(): void {
    if (this.#reaped !== undefined || this.#isReaped) return;
    this.#isReaped = true;
    this.#native.close(this.pidfd);
  }

  /** Throws CONTAINER_NOT_RUNNING when it has ended. */
  signal(signal: number): void {
    if (this.#isReaped) throw notRunning();
    try {
      this.#native.signal(this.pidfd, signal);
    } catch (cause) {
      throw notRunning(cause);
    }
  }

  /** Ends it, if it hasn't ended by itself. */
  async end(): Promise<void> {
    if (!this.#isReaped) {
      try {
        this.#native.signal(this.pidfd, 9);
      } catch {
        // It has just ended: there is still its exit to collect.
      }
    }
    await this.exited();
  }
}

function notRunning(cause?: unknown): TsruncError {
  return new TsruncError('container not running', { code: 'CONTAINER_NOT_RUNNING', cause });
}
