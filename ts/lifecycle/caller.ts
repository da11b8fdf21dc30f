/** What create takes from the process that calls it. */
import { readlinkSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import type { Caller } from '../native/caller.js';
import type { Hooks } from '../spec/types.js';
import type { CreateOptions } from './options.js';

export const thisProcess: Caller = {
  get pid() {
    return process.pid;
  },
  proc: '/proc/self',
  get directory() {
    return process.cwd();
  },
  get env() {
    return process.env;
  },
  // Node makes all that it inherits close-on-exec, so that tells nothing. But it opens its event poll before
  // anything else, which so gets the first number that the caller left free.
  isOwn: (_, target) => target === 'anon_inode:[eventpoll]',
  alone: () => {},
  took: () => {},
  running: () => {},
  atEnd: () => {},
};

/** Hooks of the runtime's namespaces are its own children: a host would be another parent to them. */
export function requireNoHooks(caller: Caller, hooks: Hooks): void {
  const { prestart = [], createRuntime = [], poststart = [], poststop = [] } = hooks;
  if (prestart.length + createRuntime.length + poststart.length + poststop.length > 0)
    caller.alone('the hooks');
}

/** Throws INVALID_ARGUMENT for a descriptor that the caller doesn't have. */
export function requireInherited(caller: Caller, fd: number): void {
  let target: string | undefined;
  try {
    target = readlinkSync(`${caller.proc}/fd/${fd}`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
  if (target !== undefined && !caller.isOwn(fd, target)) return;
  throw new TsruncError(
    `descriptor ${fd} is to be preserved, but the caller has not left it open`,
    { code: 'INVALID_ARGUMENT' },
  );
}

/** The names of the sockets that were handed to the caller, as a plan wants them. */
export function listenFdNames({
  listenFdNames: names,
}: Pick<CreateOptions, 'listenFdNames'>): Pick<CreateOptions, 'listenFdNames'> {
  return names === undefined ? {} : { listenFdNames: names };
}

/** The user's name, or the number where no name is known. */
export async function ownerName(): Promise<string> {
  const uid = process.geteuid?.() ?? 0;
  // Asking the system's databases loads libraries: half a millisecond for what is known.
  if (uid === 0) return 'root';
  const { userInfo } = await import('node:os');
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}
