import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../errors.js';

/** Writes a file of a cgroup: as a whole, by one write(2), and never making it. */
export function writeControl(directory: string, file: string, value: string): void {
  const fd = openSync(join(directory, file), constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

/** Reads a file of a cgroup, without the newline at its end. */
export function readControl(directory: string, file: string): string {
  return readFileSync(join(directory, file), 'utf8').trimEnd();
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
