import type { Native } from '../native/native.js';
import { enterRawMode, type RawMode } from './raw-mode.js';
import { Relay } from './relay.js';
import { callersWindowSize } from './window-size.js';

/** The caller's stdio joined to the master of a container's terminal. */
export class TerminalSession {
  readonly #native: Native;
  readonly #master: number;
  readonly #rawMode: RawMode | undefined;
  readonly #relay: Relay;

  /** Takes `master` over: it is closed by `close`. */
  constructor(native: Native, master: number) {
    this.#native = native;
    this.#master = master;
    this.#rawMode = enterRawMode(native);
    this.#relay = new Relay(master, process.stdin, process.stdout);
  }

  /** Gives the container's terminal the size of the caller's, which sends SIGWINCH to those in it. */
  resize(): void {
    // Once the master is closed its number may be another descriptor's.
    if (this.#relay.ended) return;
    const size = callersWindowSize(this.#native);
    if (size !== undefined) this.#native.setWindowSize(this.#master, size);
  }

  /** After a stop: the shell has had the terminal in between, in its own mode and perhaps another size. */
  resume(): void {
    this.#rawMode?.enterAgain();
    this.resize();
  }

  /** Passes on what is left of the container's output, then gives the caller's terminal back. */
  async close(): Promise<void> {
    try {
      await this.#relay.finish();
    } finally {
      this.#rawMode?.leave();
      // A read that nobody waits for any more must not keep this process.
      process.stdin.destroy();
    }
  }
}
