import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Beside the pid file, of a name that `delete` can work out when create was killed before the rename. */
function temporaryOf(pidFile: string, id: string): string {
  return `${pidFile}.${id.slice(0, 64)}.tmp`;
}

/** Decimal, no newline; whoever waits for it never sees half of it. */
export function writePidFile(pidFile: string, id: string, pid: number): void {
  const temporary = temporaryOf(resolve(pidFile), id);
  rmSync(temporary, { force: true });
  writeFileSync(temporary, String(pid), { flag: 'wx', mode: 0o644 });
  renameSync(temporary, pidFile);
}

export function removePidFile(pidFile: string): void {
  rmSync(pidFile, { force: true });
}

export function removeTemporaryPidFile(pidFile: string, id: string): void {
  rmSync(temporaryOf(pidFile, id), { force: true });
}
