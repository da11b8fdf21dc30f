import { isSystemError, TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';

/**
 * Gives a terminal's master to the program that listens on `path`, as `--console-socket` promises:
 * one message, which names the terminal, with exactly one descriptor. `master` stays open here.
 *
 * @throws TsruncError with the errno's name, stage `create`.
 */
export function sendConsole(native: Native, path: string, master: number): void {
  sendDescriptor(native, {
    path,
    what: '--console-socket',
    payload: '/dev/ptmx',
    descriptor: master,
  });
}

/** The same for a pidfd and `--pidfd-socket`. */
export function sendPidfd(native: Native, path: string, pidfd: number): void {
  sendDescriptor(native, { path, what: '--pidfd-socket', payload: 'pidfd', descriptor: pidfd });
}

export interface Delivery {
  readonly path: string;
  /** Who names the path: a flag, a property. */
  readonly what: string;
  /** A message needs at least one byte to carry a descriptor. */
  readonly payload: string;
  readonly descriptor: number;
  readonly stage?: string;
}

/** Connects to the stream socket at `path`, sends one message with one descriptor, and hangs up. */
export function sendDescriptor(
  native: Native,
  { path, what, payload, descriptor, stage = 'create' }: Delivery,
): void {
  let socket: number | undefined;
  try {
    socket = native.connect(path, 'stream');
    native.send(socket, Buffer.from(payload), [descriptor]);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const why = reasons[error.code] ?? `${error.syscall} failed with ${error.code}`;
    throw new TsruncError(`the socket ${path} of ${what} can't be used: ${why}`, {
      code: error.code,
      errno: Math.abs(error.errno),
      syscall: error.syscall,
      path,
      stage,
      cause: error,
    });
  } finally {
    if (socket !== undefined) native.close(socket);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; start the program that listens on it first',
  ENOTDIR: 'a part of its path is no folder',
  ECONNREFUSED: 'nobody listens on it; start the program that does first',
  EAGAIN: 'the program that listens on it accepts no connection',
  EPROTOTYPE: 'it is no stream socket',
  ENAMETOOLONG: 'its name is too long; choose a shorter one',
  EACCES: 'access to it is denied',
  EMSGSIZE: 'it has no room for the message',
  EPIPE: 'the program that listens on it closed the connection',
};
