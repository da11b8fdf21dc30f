import type { Native } from '../../ts/native/native.js';

/** Resolves when a process has ended, whoever's child it is. */
export async function gone(native: Native, pid: number): Promise<void> {
  let pidfd: number;
  try {
    pidfd = native.openPidfd(pid);
  } catch {
    return;
  }
  await native.waitGone(pidfd);
  native.close(pidfd);
}
