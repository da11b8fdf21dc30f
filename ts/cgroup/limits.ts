import { join } from 'node:path';
import { isSystemError, type SystemError, type TsruncError } from '../errors.js';
import { writeControl } from './control-files.js';
import { cgroupFailure } from './failure.js';

/** One value for one file of a cgroup. */
export interface Limit {
  /** Where it comes from, below `linux.resources`: `memory.limit`. */
  readonly name: string;
  readonly file: string;
  readonly value: string;
  /** The value is what holds anyway where the kernel doesn't have the file. */
  readonly optional?: boolean;
}

/**
 * Whether a number says something. Engines write 0 for what their user didn't ask for, and the kernel
 * knows no such limit of memory or CPU time: it leaves the limit as it is.
 */
export function isGiven(value: number | bigint | null | undefined): value is number | bigint {
  return Number(value ?? 0) !== 0;
}

/**
 * Writes the limits of one controller. The kernel checks several of them against each other (memory against
 * memory and swap, quota against period and burst), so which order is legal depends on the values that
 * were there before: what it refuses as invalid is tried again after the others.
 *
 * @param directory the cgroup
 * @throws TsruncError with the errno's name as its code, at the first value that the kernel refuses for good
 */
export function writeLimits(directory: string, limits: readonly Limit[]): void {
  let left = limits;
  while (left.length > 0) {
    const refused: { limit: Limit; error: SystemError }[] = [];
    for (const limit of left) {
      const error = tryWrite(directory, limit);
      if (error?.code === 'EINVAL') refused.push({ limit, error });
      else if (error !== undefined) throw failure(directory, limit, error);
    }
    const [first] = refused;
    if (first !== undefined && refused.length === left.length) {
      throw failure(directory, first.limit, first.error);
    }
    left = refused.map(({ limit }) => limit);
  }
}

function tryWrite(directory: string, limit: Limit): SystemError | undefined {
  try {
    writeControl(directory, limit.file, limit.value);
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return limit.optional && error.code === 'ENOENT' ? undefined : error;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'this kernel has no such limit: remove it from the configuration',
  EINVAL:
    'the kernel does not accept this value here: it must fit the other limits and those of the parent cgroup',
  ERANGE: 'the value is outside the range that the kernel accepts',
  EBUSY:
    'more than that is in use and the kernel could not reclaim it: set a higher limit or end processes',
  EACCES:
    'the parent cgroup or its permissions do not allow it: allow it there, or run tsrunc as root',
  EPERM:
    'the parent cgroup or the privileges of the caller do not allow it: allow it there, or run tsrunc as root',
};

function failure(directory: string, { name, file, value }: Limit, error: SystemError): TsruncError {
  const path = join(directory, file);
  const reason = reasons[error.code];
  return cgroupFailure(
    `linux.resources.${name} could not be set: writing ${JSON.stringify(value)} to ${path} failed with ${error.code}${reason === undefined ? '' : ` (${reason})`}`,
    error,
    path,
  );
}
