/** What create takes from the process that calls it. */
import { readlinkSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import type { CreateOptions } from './options.js';

/**
 * Node makes all that it inherits close-on-exec, so that tells nothing. But it opens its event poll before
 * anything else, which so gets the first number that the caller left free.
 */
export function requireInherited(fd: number): void {
  let target: string | undefined;
  try {
    target = readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
  if (target !== undefined && target !== 'anon_inode:[eventpoll]') return;
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
