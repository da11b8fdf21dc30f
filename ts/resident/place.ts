/** Where the host listens: in a folder that nobody but its user can enter. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isSystemError, TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';

/** The same place that the launcher looks at (cpp/launcher/host.cc). Throws INVALID_ARGUMENT where there is none. */
export function defaultSocket(env: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/run/tsrunc-host/socket';
  const own = env['XDG_RUNTIME_DIR'];
  if (own?.startsWith('/')) return `${own}/tsrunc-host/socket`;
  throw new TsruncError(
    'there is no folder for the socket: set XDG_RUNTIME_DIR to an absolute path, or name a socket with --socket',
    { code: 'INVALID_ARGUMENT', stage: 'host' },
  );
}

/** Listens at a path, also where a host that has died has left its socket. Throws when there is a living one. */
export function listenAt(native: Native, socket: string): number {
  const path = resolve(socket);
  makeFolder(dirname(path));
  try {
    return native.listen(path);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EADDRINUSE') throw cannot(path, error);
  }
  if (answers(native, path)) {
    throw new TsruncError(`there is a host already at ${path}: end it, or name another socket`, {
      code: 'EADDRINUSE',
      path,
      stage: 'host',
    });
  }
  try {
    unlinkSync(path);
    return native.listen(path);
  } catch (error) {
    throw cannot(path, error);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    // Whatever the umask says.
    chmodSync(folder, 0o700);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EEXIST') throw cannot(folder, error);
  }
  const { uid, mode } = lstatSync(folder);
  if (uid === process.geteuid?.() && (mode & 0o77) === 0) return;
  throw new TsruncError(
    `the folder of the host's socket, ${folder}, is not this user's alone: make it mode 0700, or name another with --socket`,
    { code: 'EPERM', path: folder, stage: 'host' },
  );
}

function answers(native: Native, path: string): boolean {
  try {
    native.close(native.connect(path, 'seqpacket'));
    return true;
  } catch (error) {
    // EAGAIN: it has more callers than it can take.
    return isSystemError(error) && error.code === 'EAGAIN';
  }
}

function cannot(path: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  return new TsruncError(`the host can't listen at ${path}: ${error.code}`, {
    code: error.code,
    errno: -error.errno,
    syscall: error.syscall,
    path,
    stage: 'host',
    cause: error,
  });
}
