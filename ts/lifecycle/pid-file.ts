import { constants } from 'node:fs';
import { resolve } from 'node:path';
import { isSystemError, TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import { writeFile } from '../native/files.js';

const { O_CREAT, O_EXCL, O_WRONLY } = constants;

/** Beside the pid file, of a name that `delete` can work out when create was killed before the rename. */
function temporaryOf(pidFile: string, id: string): string {
  return `${pidFile}.${id.slice(0, 64)}.tmp`;
}

/** Decimal, no newline; whoever waits for it never sees half of it. */
export function writePidFile(pidFile: string, id: string, pid: number): void {
  const temporary = temporaryOf(resolve(pidFile), id);
  try {
    remove(temporary);
    writeFile(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644, String(pid));
    loadNative().rename(temporary, pidFile);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TsruncError(`the pid file ${pidFile} can't be written: ${error.code}`, {
      code: error.code,
      errno: -error.errno,
      syscall: error.syscall,
      path: pidFile,
      stage: 'create',
      cause: error,
    });
  }
}

export function removePidFile(pidFile: string): void {
  remove(pidFile);
}

export function removeTemporaryPidFile(pidFile: string, id: string): void {
  remove(temporaryOf(pidFile, id));
}

/** That it isn't there is no error, also where nothing could be removed. */
function remove(path: string): void {
  const { lstat, unlink } = loadNative();
  try {
    lstat(path);
    unlink(path);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
  }
}
