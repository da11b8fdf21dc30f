import type { Native, WindowSize } from '../native/native.js';
import { enterRawMode, type RawMode } from './raw-mode.js';
import { Relay } from './relay.js';

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
    this.#copySize();
    this.#rawMode = enterRawMode();
    this.#relay = new Relay(master, process.stdin, process.stdout);
  }

  /** Gives the container's terminal the size of the caller's, which sends SIGWINCH to those in it. */
  resize(): void {
    // Once the master is closed its number may be another descriptor's.
    if (!this.#relay.ended) this.#copySize();
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

  #copySize(): void {
    const size = this.#callersSize();
    if (size !== undefined) this.#native.setWindowSize(this.#master, size);
  }

  /** Of whichever of the caller's descriptors is a terminal with a known size. */
  #callersSize(): WindowSize | undefined {
    for (const fd of [0, 1, 2]) {
      try {
        const size = this.#native.windowSize(fd);
        if (size.width > 0 && size.height > 0) return size;
      } catch {
        // No terminal: the next one may be.
      }
    }
    return undefined;
  }
}
