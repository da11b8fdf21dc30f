import { type SystemError, TsruncError } from '../errors.js';

/** A system call on a cgroup's file or directory that failed, as an error of stage `cgroup`. */
export function cgroupFailure(message: string, error: SystemError, path: string): TsruncError {
  return new TsruncError(message, {
    code: error.code,
    errno: Math.abs(error.errno),
    syscall: error.syscall,
    path,
    stage: 'cgroup',
    cause: error,
  });
}
