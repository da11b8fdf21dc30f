import { TsruncError } from '../errors.js';
import type { ExitStatus, Native } from '../native/native.js';

/** A child of this process by its pidfd, which is closed when the child has been reaped. */
export class InitProcess {
  readonly pid: number;
  readonly pidfd: number;
  readonly #native: Native;
  /** Reaps it whenever it ends, without keeping the event loop alive: a created container may outlive us. */
  readonly #reaped: Promise<ExitStatus>;
  #isReaped = false;

  constructor(native: Native, pid: number, pidfd: number) {
    this.#native = native;
    this.pid = pid;
    this.pidfd = pidfd;
    this.#reaped = native.waitExit(pidfd, { keepAlive: false }).finally(() => {
      this.#isReaped = true;
      native.close(pidfd);
    });
    this.#reaped.catch(() => {});
  }

  /** The same as `exited`, for who must not keep the event loop alive. */
  get ended(): Promise<ExitStatus> {
    return this.#reaped;
  }

  /** Resolves when it has ended and was reaped. Whoever asks keeps the event loop alive. */
  async exited(): Promise<ExitStatus> {
    // The wait itself doesn't hold the event loop; this timer does, and never fires.
    const hold = setInterval(() => {}, 2 ** 31 - 1);
    try {
      return await this.#reaped;
    } finally {
      clearInterval(hold);
    }
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
