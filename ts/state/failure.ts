import { isSystemError, TsruncError } from '../errors.js';

/** The error for a container that isn't there, or isn't there any more. */
export function notFound(id: string): TsruncError {
  return new TsruncError(`container does not exist: "${id}"`, {
    code: 'CONTAINER_NOT_FOUND',
    stage: 'state',
  });
}

/** `what` names the deed and its object: `cannot write /run/tsrunc/a/state.json`. Anything but a failed system call is returned as it is. */
export function systemFailure(what: string, error: unknown): unknown {
  if (error instanceof TsruncError || !isSystemError(error)) return error;
  // Node writes `ENOSPC: no space left on device, write`: the middle is the reason.
  const reason = /^\w+: ([^,]+)/.exec(error.message)?.[1] ?? error.code;
  return new TsruncError(`${what}: ${reason}`, {
    code: error.code,
    errno: Math.abs(error.errno),
    syscall: error.syscall,
    ...(error.path === undefined ? {} : { path: error.path }),
    stage: 'state',
    cause: error,
  });
}

/** Whether `error` is a failed system call with one of these errno names. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return isSystemError(error) && codes.includes(error.code);
}

/** The ID is taken. */
export function containerExists(id: string, path?: string): TsruncError {
  return new TsruncError(`container with given ID already exists: "${id}"`, {
    code: 'CONTAINER_EXISTS',
    stage: 'state',
    ...(path === undefined ? {} : { path }),
  });
}
