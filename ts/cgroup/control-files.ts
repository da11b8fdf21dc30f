import { constants } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../errors.js';
import { loadNative } from '../native/addon.js';

/** Writes files of a cgroup, each value by one write(2), and never makes one. One that gets several in a row stays open. */
export class ControlWriter {
  readonly #directory: string;
  #file = '';
  #fd = -1;

  constructor(directory: string) {
    this.#directory = directory;
  }

  write(file: string, value: string): void {
    if (file !== this.#file) this.close();
    const native = loadNative();
    if (this.#fd < 0) this.#fd = native.open(join(this.#directory, file), constants.O_WRONLY);
    this.#file = file;
    native.write(this.#fd, value);
  }

  close(): void {
    if (this.#fd >= 0) loadNative().close(this.#fd);
    this.#fd = -1;
  }
}

/** Writes one file of a cgroup. */
export function writeControl(directory: string, file: string, value: string): void {
  const writer = new ControlWriter(directory);
  try {
    writer.write(file, value);
  } finally {
    writer.close();
  }
}

/** Reads a file of a cgroup, without the newline at its end. */
export function readControl(directory: string, file: string): string {
  return loadNative().readText(join(directory, file)).trimEnd();
}

/**
 * ENODEV: it went away while the file was open. EOPNOTSUPP, which Node calls ENOTSUP: a threaded cgroup, whose processes
 * are in the list of its domain.
 */
const goneCodes: readonly string[] = ['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'];

/** The result of a read, or undefined when there is no such cgroup (any more). */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isSystemError(error) && goneCodes.includes(error.code)) return undefined;
    throw error;
  }
}
