import { join } from 'node:path';
import { isSystemError, type SystemError, TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import type { LinuxResources } from '../spec/types.js';
import { ControlWriter, readControl } from './control-files.js';
import { cgroupFailure } from './failure.js';
import { needsOf } from './needs.js';

/** One value for one file of a cgroup. */
export interface Limit {
  /** Where it comes from, below `linux.resources`: `memory.limit`. */
  readonly name: string;
  readonly file: string;
  readonly value: string;
  /** The value is what holds anyway where the kernel doesn't have the file. */
  readonly optional?: boolean;
  /** Whether the file's content shows the limit: for what some kernels accept and ignore. */
  readonly holds?: (content: string) => boolean;
}

/** What there is of a cgroup's files. */
export interface Files {
  read(file: string): string;
  has(file: string): boolean;
}

/** What a controller is to be told, in order. */
export type Plan = (resources: LinuxResources, files: Files) => Limit[];

/** Limits for one directory. */
export interface Writes {
  readonly directory: string;
  readonly limits: readonly Limit[];
}

/**
 * Whether a number says something. Engines write 0 for what their user didn't ask for, and the kernel
 * knows no such limit of memory or CPU time: it leaves the limit as it is.
 */
export function isGiven(value: number | bigint | null | undefined): value is number | bigint {
  return Number(value ?? 0) !== 0;
}

/** What the specification has and the kernel's interface hasn't. */
export function unsupported(name: string, why: string): TsruncError {
  return new TsruncError(`linux.resources.${name} can't be set: ${why}`, {
    code: 'UNSUPPORTED',
    stage: 'cgroup',
  });
}

export function filesOf(directory: string): Files {
  return {
    read: (file) => readControl(directory, file),
    has: (file) => loadNative().exists(join(directory, file)),
  };
}

/**
 * Writes the limits of all controllers, and nothing when one of them has no file in this kernel.
 *
 * @throws TsruncError UNSUPPORTED for a missing file; with the errno's name as its code at the first value that the
 *   kernel refuses for good
 */
export function applyWrites(all: readonly Writes[]): void {
  for (const { directory, limits } of all) {
    const missing = limits.find(
      ({ file, optional }) => !optional && !loadNative().exists(join(directory, file)),
    );
    if (missing !== undefined) throw withoutFile(directory, missing);
  }
  for (const { directory, limits } of all) writeLimits(directory, limits);
}

/**
 * Writes the limits of one controller. The kernel checks several of them against each other (memory against
 * memory and swap, quota against period and burst), so which order is legal depends on the values that
 * were there before: what it refuses as invalid is tried again after the others. Memory and swap are raised from
 * the sum down and lowered from memory up that way, since the kernel refuses the other order.
 */
export function writeLimits(directory: string, limits: readonly Limit[]): void {
  const writer = new ControlWriter(directory);
  try {
    writeAll(directory, limits, writer);
  } finally {
    writer.close();
  }
}

function writeAll(directory: string, limits: readonly Limit[], writer: ControlWriter): void {
  let left = limits;
  while (left.length > 0) {
    const refused: { limit: Limit; error: SystemError }[] = [];
    for (const limit of left) {
      const error = tryWrite(directory, limit, writer);
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

function tryWrite(directory: string, limit: Limit, writer: ControlWriter): SystemError | undefined {
  const { file, value, optional, holds } = limit;
  try {
    writer.write(file, value);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return optional && error.code === 'ENOENT' ? undefined : error;
  }
  if (holds !== undefined && !holds(readControl(directory, file))) {
    throw unsupported(limit.name, `this kernel ignores ${join(directory, file)}${needsOf(file)}`);
  }
  return undefined;
}

const reasons: Readonly<Record<string, string>> = {
  EINVAL:
    'the kernel does not accept this value here: it must fit the other limits and those of the parent cgroup',
  ENODEV: 'there is no such device',
  ENXIO: 'there is no such device',
  ERANGE: 'the value is outside the range that the kernel accepts',
  EBUSY:
    'more than that is in use and the kernel could not reclaim it: set a higher limit or end processes',
  EACCES:
    'the parent cgroup or its permissions do not allow it: allow it there, or run tsrunc as root',
  EPERM:
    'the parent cgroup or the privileges of the caller do not allow it: allow it there, or run tsrunc as root',
};

function failure(directory: string, limit: Limit, error: SystemError): TsruncError {
  // Linux 5.16 to 6.6 answer so for memory.kmem.limit_in_bytes; ENOTSUPP, 524, has no name outside of the kernel.
  // Errno 95 has two names.
  if (['EOPNOTSUPP', 'ENOTSUP'].includes(error.code) || Math.abs(error.errno) === 524) {
    const refusal = `this kernel does not take ${JSON.stringify(limit.value)} for`;
    return withoutFile(directory, limit, refusal, error);
  }
  if (error.code === 'ENOENT') return withoutFile(directory, limit, undefined, error);
  const { name, file, value } = limit;
  const path = join(directory, file);
  const reason = reasons[error.code];
  return cgroupFailure(
    `linux.resources.${name} could not be set: writing ${JSON.stringify(value)} to ${path} failed with ${error.code}${reason === undefined ? '' : ` (${reason})`}`,
    error,
    path,
  );
}

function withoutFile(
  directory: string,
  { name, file }: Limit,
  why = 'this kernel has no such limit: it needs',
  cause?: SystemError,
): TsruncError {
  const path = join(directory, file);
  return new TsruncError(`linux.resources.${name} can't be set: ${why} ${path}${needsOf(file)}`, {
    code: 'UNSUPPORTED',
    path,
    stage: 'cgroup',
    cause,
  });
}
