import { readSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';

/** How long processes that outlive the container's first one may hold its terminal in silence before it is closed. */
const patience = 200;

/** Copies bytes both ways between a pair of streams and the master of a terminal, no faster than they are taken. */
export class Relay {
  readonly #terminal: ReadStream;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #closed: Promise<void>;

  /** Takes `master` over: it is closed at the end. */
  constructor(master: number, input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    // node:tty has no class for masters; this one reads and writes any terminal. Half open, since its
    // "end" isn't yet the end of the bytes.
    this.#terminal = new ReadStream(master, { allowHalfOpen: true });
    this.#terminal.once('end', () => this.#takeRest(master));
    this.#closed = new Promise((resolve) => this.#terminal.once('close', resolve));
    // A master's read fails with EIO once everything was read and nobody has the slave open: that is its end.
    this.#terminal.on('error', () => {});
    // The caller's side being gone is the end of input, and no reason to end the container.
    input.on('error', () => {});
    // Nobody reads the output any more. Closing the master hangs the container's terminal up, as it would happen to
    // any program whose terminal goes away.
    output.on('error', () => this.#terminal.destroy());
    input.pipe(this.#terminal, { end: false });
    this.#terminal.pipe(output, { end: false });
  }

  get ended(): boolean {
    return this.#terminal.destroyed;
  }

  /** To be called when the container's process has ended: waits until all its output was taken, then closes the master. */
  async finish(): Promise<void> {
    this.#input.unpipe(this.#terminal);
    this.#input.pause();
    await Promise.race([this.#closed, this.#silence()]);
    this.#terminal.destroy();
    await drained(this.#output);
  }

  /**
   * libuv takes a hang-up that it sees together with a short read for the end, but reads of a master are always
   * short, and up to a few pages may still lie in the kernel. Nobody has the slave open, so this doesn't block.
   */
  #takeRest(master: number): void {
    const buffer = Buffer.allocUnsafe(65_536);
    try {
      for (let length = readSync(master, buffer); length > 0; length = readSync(master, buffer)) {
        this.#output.write(Buffer.from(buffer.subarray(0, length)));
      }
    } catch {
      // EIO: that was all.
    }
    this.#terminal.destroy();
  }

  /** Resolves when nothing came for a while although it would have been taken. */
  async #silence(): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (this.#output.writableNeedDrain) timer.refresh();
        else resolve();
      };
      const timer = setTimeout(check, patience);
      this.#terminal.on('data', () => timer.refresh());
      this.#terminal.once('close', () => clearTimeout(timer));
    });
  }
}

/** Resolves when everything written to `output` has left this process, or can't any more. */
async function drained(output: Writable): Promise<void> {
  if (output.destroyed || output.writableLength === 0) return;
  await new Promise<void>((resolve) => {
    output.once('close', resolve);
    output.write('', () => resolve());
  });
}
