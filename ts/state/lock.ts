import { constants } from 'node:fs';
import type { Cancellation } from '../cancellation.js';
import { TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import type { Native } from '../native/native.js';
import { failedWith, notFound, systemFailure } from './failure.js';

/** A container's lock, held. It also ends with the process. */
export interface Lock extends Disposable {
  /** False once released. */
  readonly held: boolean;
  /** Gives the lock up; again is no error. */
  release(): void;
}

type Locker = Pick<Native, 'tryLock'>;

/** Holders and waiters of this process by folder; each value settles when the last of them is done. */
const queues = new Map<string, Promise<void>>();

/**
 * Takes the lock of the container `id`, whose folder is `directory`, and waits for it as
 * long as `signal` doesn't fire. In this process first come is first served; other
 * processes are asked again after 1, 2, 4 … 20 ms, since flock has no event to await.
 *
 * The lock is on the folder itself: a lock file in it could be made anew by a waiter
 * while the holder removes the folder.
 *
 * Throws CONTAINER_NOT_FOUND when the folder is removed meanwhile, ABORTED when `signal` fires.
 * A holder that asks again waits for itself.
 */
export async function acquire(
  id: string,
  directory: string,
  native: Locker,
  signal?: Cancellation,
): Promise<Lock> {
  const leave = await enter(directory, id, signal);
  let fd: number | undefined;
  try {
    fd = openFolder(id, directory);
    for (let wait = 1; !native.tryLock(fd); wait = Math.min(wait * 2, 20)) {
      await pause(wait);
      if (signal?.aborted === true) throw aborted(id, signal);
    }
    if (!isStill(directory, fd)) throw notFound(id);
  } catch (error) {
    if (fd !== undefined) loadNative().close(fd);
    leave();
    throw signal?.aborted === true ? aborted(id, signal) : error;
  }
  return lockOf(fd, leave);
}

/** Whether somebody, in this process or another, holds the lock of a container now. */
export function isHeld(id: string, directory: string, native: Locker): boolean {
  const fd = openFolder(id, directory);
  try {
    return !native.tryLock(fd);
  } finally {
    loadNative().close(fd);
  }
}

function lockOf(fd: number, leave: () => void): Lock {
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    loadNative().close(fd);
    leave();
  };
  return {
    get held() {
      return held;
    },
    release,
    [Symbol.dispose]: release,
  };
}

/** Waits for this process's earlier callers. The result lets the next one in. */
async function enter(key: string, id: string, signal?: Cancellation): Promise<() => void> {
  const before = queues.get(key);
  let finish = (): void => {};
  const mine = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const all = before === undefined ? mine : before.then(() => mine);
  queues.set(key, all);
  const leave = (): void => {
    finish();
    if (queues.get(key) === all) queues.delete(key);
  };
  try {
    await settledOrAborted(before, id, signal);
  } catch (error) {
    // Only our own place is given up: who comes after us still waits for those before.
    finish();
    throw error;
  }
  return leave;
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function settledOrAborted(
  before: Promise<void> | undefined,
  id: string,
  signal: Cancellation | undefined,
): Promise<void> {
  if (signal?.aborted === true) throw aborted(id, signal);
  if (before === undefined || signal === undefined) return before;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => reject(aborted(id, signal));
    signal.addEventListener('abort', stop, { once: true });
    void before.then(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}

function openFolder(id: string, directory: string): number {
  try {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    return loadNative().open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (failedWith(error, 'ENOENT')) throw notFound(id);
    throw systemFailure(`cannot open ${directory} to lock it`, error);
  }
}

/** Whether `fd` is what `directory` names: while we waited it may have been removed, and even made again. */
function isStill(directory: string, fd: number): boolean {
  const { fstat, lstat } = loadNative();
  const ours = fstat(fd);
  try {
    const now = lstat(directory);
    return now.inode === ours.inode && now.device === ours.device;
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function aborted(id: string, signal: Cancellation): TsruncError {
  return new TsruncError(`gave up waiting for another command on container "${id}"`, {
    code: 'ABORTED',
    stage: 'state',
    cause: signal.reason,
  });
}
