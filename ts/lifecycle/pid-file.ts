import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSystemError, TsruncError } from '../errors.js';

/** Beside the pid file, of a name that `delete` can work out when create was killed before the rename. */
function temporaryOf(pidFile: string, id: string): string {
  return `${pidFile}.${id.slice(0, 64)}.tmp`;
}

/** Decimal, no newline; whoever waits for it never sees half of it. */
export function writePidFile(pidFile: string, id: string, pid: number): void {
  const temporary = temporaryOf(resolve(pidFile), id);
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, String(pid), { flag: 'wx', mode: 0o644 });
    renameSync(temporary, pidFile);
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
  rmSync(pidFile, { force: true });
}

export function removeTemporaryPidFile(pidFile: string, id: string): void {
  rmSync(temporaryOf(pidFile, id), { force: true });
}
