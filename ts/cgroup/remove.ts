import { isSystemError, TsruncError } from '../errors.js';
import { cgroupFailure } from './failure.js';
import { removeCgroup } from './tree.js';

/** Milliseconds between the tries to remove a cgroup without processes: 2 seconds in all. */
const delays = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/**
 * Removes cgroups and all below them. That one isn't there is no error, and one that can't be removed
 * doesn't keep the others.
 *
 * @param kill ends the processes in one of them, and waits for their end
 * @throws TsruncError of stage `cgroup` for the first that stays
 */
export async function removeCgroups(
  directories: readonly string[],
  kill: (directory: string) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  for (const directory of directories) {
    try {
      await removeOne(directory, kill);
    } catch (error) {
      errors.push(error instanceof TsruncError ? error : failure(directory, error));
    }
  }
  if (errors.length > 0) throw errors[0];
}

async function removeOne(
  directory: string,
  kill: (directory: string) => Promise<void>,
): Promise<void> {
  if (removeCgroup(directory)) return;
  await kill(directory);
  // The kernel may give up the last process a moment after it told of its end, and cgroup v1 has no event for it.
  for (const delay of delays) {
    if (removeCgroup(directory)) return;
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
  throw new TsruncError(
    `the cgroup ${directory} could not be removed: it is still busy, though no process in it is to be seen: one may be in it from outside of this pid namespace`,
    { code: 'EBUSY', path: directory, stage: 'cgroup' },
  );
}

function failure(directory: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  return cgroupFailure(
    `the cgroup ${directory} could not be removed: ${error.message}`,
    error,
    directory,
  );
}
