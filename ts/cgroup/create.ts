import { isSystemError, type SystemError, TsruncError } from '../errors.js';
import { cgroupFailure } from './failure.js';
import { makeCgroup, removeLeaf } from './tree.js';

/**
 * Makes the cgroups of a container, and removes again what it made when something fails.
 *
 * @param prepare does what is to be done in each before a process can join; `made` has the directories that are
 *   new, parents first, and is empty when the cgroup was there before
 * @throws TsruncError of stage `cgroup`
 */
export function createCgroups(
  directories: readonly string[],
  prepare: (directory: string, made: readonly string[]) => void,
): void {
  const made: string[] = [];
  for (const directory of directories) {
    try {
      const now = makeCgroup(directory);
      made.push(...now);
      prepare(directory, now);
    } catch (error) {
      // Not with what is below: another container may have come into a parent that is new, too.
      for (const each of made.reverse()) removeLeaf(each);
      throw isSystemError(error) ? failure(directory, error) : error;
    }
  }
}

/** Two containers in one cgroup would share their limits, and the end of one would be the end of both. */
export function notEmpty(directory: string): TsruncError {
  return new TsruncError(
    `container's cgroup ${directory} is not empty: another container or process is in it; end that, or use another linux.cgroupsPath`,
    { code: 'INVALID_STATE', path: directory, stage: 'cgroup' },
  );
}

/** A process that joined it would never run. */
export function frozen(directory: string): TsruncError {
  return new TsruncError(
    `container's cgroup ${directory} is frozen, itself or by a parent: thaw it, or use another linux.cgroupsPath`,
    { code: 'INVALID_STATE', path: directory, stage: 'cgroup' },
  );
}

/**
 * A process can't be born into such a one, and most limits don't exist there (cgroup-v2.rst, "Threads").
 *
 * @param type what cgroup.type has: `threaded`, or `domain invalid` below one
 */
export function threaded(directory: string, type: string): TsruncError {
  return new TsruncError(
    `container's cgroup ${directory} is in a threaded subtree (its cgroup.type is "${type}"), which takes threads and no processes: use a linux.cgroupsPath below a domain`,
    { code: 'UNSUPPORTED', path: directory, stage: 'cgroup' },
  );
}

function failure(directory: string, error: SystemError): TsruncError {
  const hint = ['EACCES', 'EPERM', 'EROFS'].includes(error.code)
    ? ': run tsrunc as root, have the cgroup delegated, or use --cgroup-manager disabled'
    : '';
  return cgroupFailure(
    `the cgroup ${directory} could not be made: ${error.message}${hint}`,
    error,
    directory,
  );
}
