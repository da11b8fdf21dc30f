import { chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../../errors.js';
import { unlessGone } from '../control-files.js';
import { cgroupFailure } from '../failure.js';

/** Those of a kernel that doesn't say. */
const usual = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/**
 * Gives a cgroup to a user: its directory, and those of its files that limit nothing of it itself. The group stays.
 *
 * @throws TsruncError of stage `cgroup`
 */
export function delegate(
  directory: string,
  uid: number,
  list = '/sys/kernel/cgroup/delegate',
): void {
  const files = unlessGone(() => readFileSync(list, 'utf8').split('\n').filter(Boolean)) ?? usual;
  try {
    chownSync(directory, uid, -1);
    // A file of a controller that isn't enabled (memory.oom.group) isn't there.
    for (const file of files) unlessGone(() => chownSync(join(directory, file), uid, -1));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw cgroupFailure(
      `the cgroup ${directory} could not be given to user ${uid}, whom the container is to write it as: ${error.message}: mount /sys/fs/cgroup "ro" if it need not`,
      error,
      directory,
    );
  }
}
