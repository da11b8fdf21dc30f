import { writeSync } from 'node:fs';

/** 1 or 2. */
export type OutputDescriptor = 1 | 2;

/**
 * Writes all of `text` to stdout or stderr and returns when it is written. `process.stdout` isn't
 * used, since making that stream costs several milliseconds of start-up, and since
 * it would make the descriptor non-blocking that the container is about to inherit.
 *
 * A reader that has gone away is no error: there is nobody left to tell.
 */
export function write(descriptor: OutputDescriptor, text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') {
        if (code === 'EPIPE' || code === 'EIO' || code === 'EBADF') return;
        throw error;
      }
      // Somebody else made this open file non-blocking, and its reader is slow.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Prints a command's result. */
export function print(text: string): void {
  write(1, text);
}

/** Writes all of a text, and returns when it is written. */
export type Writer = (descriptor: OutputDescriptor, text: string) => void;

/** Prints a value as JSON, two spaces deep. */
export function printJson(value: unknown, to: Writer = write): void {
  to(1, `${JSON.stringify(value, undefined, 2)}\n`);
}
