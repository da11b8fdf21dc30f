import { Canceller } from '../cancellation.js';
import { openCgroup } from '../cgroup/open.js';
import { isSystemError, TsruncError } from '../errors.js';
import { runHooks } from '../hooks/run.js';
import type { ContainerFolder } from '../state/folder.js';
import type { Lock } from '../state/lock.js';
import { openVerified } from '../state/process.js';
import type { State, StoredState } from '../state/state.js';
import { requireNoHooks } from './caller.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';
import { signalInit } from './kill.js';
import type { DeleteOptions } from './options.js';
import { removeTemporaryPidFile } from './pid-file.js';
import { inTurn } from './turns.js';

/**
 * runtime.md, "Delete": undoes what create made, then runs the poststop hooks. A container that was only
 * created goes too, as under runc; one that runs goes with `force`.
 */
export async function deleteContainer(
  context: Context,
  id: string,
  { force = false }: DeleteOptions = {},
): Promise<void> {
  try {
    const folder = context.store.open(id);
    requireNoHooks(context.caller, folder.read()?.hooks ?? {});
    // Whoever holds the lock may wait for a hook that doesn't end: it ends with its container.
    if (force) killUnlocked(context, folder);
    const lock = await lockWithin(folder, LOCK_PATIENCE);
    try {
      await remove(context, folder, force);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (force && error instanceof TsruncError && error.code === 'CONTAINER_NOT_FOUND') return;
    throw error;
  }
}

/** How long other commands may be at work on the container, in milliseconds. */
const LOCK_PATIENCE = 30_000;

async function lockWithin(folder: ContainerFolder, milliseconds: number): Promise<Lock> {
  const limit = new Canceller();
  const timer = setTimeout(() => limit.abort(undefined), milliseconds);
  try {
    return await folder.lock(limit);
  } finally {
    clearTimeout(timer);
  }
}

function killUnlocked(context: Context, folder: ContainerFolder): void {
  const stored = folder.read();
  if (stored === undefined || !folder.isLocked()) return;
  if (stored.cgroup !== undefined) openCgroup(stored.cgroup, context.native).signalAll(9);
  else signalInit(context, stored, 9);
}

async function remove(context: Context, folder: ContainerFolder, force: boolean): Promise<void> {
  // A create that was killed before it wrote anything down had made nothing else yet.
  if (folder.read() === undefined) return folder.remove();
  const { stored, state } = inspect(context, folder);
  if (state.status !== 'stopped' && state.status !== 'created' && !force) {
    throw new TsruncError(
      `cannot delete container ${folder.id} that is not stopped: ${state.status}`,
      {
        code: 'INVALID_STATE',
        stage: 'delete',
      },
    );
  }
  if (state.status !== 'stopped') await endInit(context, stored, state);
  await destroy(context, folder, stored);
}

/** Kills the container and waits for the end of its first process: for the kernel's word, not by asking again and again. */
export async function endInit(
  { native }: Context,
  stored: StoredState,
  state: State,
): Promise<void> {
  const pidfd = stored.init === undefined ? undefined : openVerified(native, stored.init);
  if (pidfd === undefined) return;
  try {
    const gone = withinPatience(native.waitGone(pidfd), state.pid);
    // It may fail while the kill below is still at work, which is no time to die of it.
    gone.catch(() => {});
    // A frozen process takes no signal until it is thawed, which the cgroup's kill sees to.
    if (state.status === 'paused' && stored.cgroup !== undefined)
      await openCgroup(stored.cgroup, native).kill();
    else signalUnlessGone(native, pidfd);
    await gone;
  } finally {
    native.close(pidfd);
  }
}

function signalUnlessGone(native: Context['native'], pidfd: number): void {
  try {
    native.signal(pidfd, 9);
  } catch (error) {
    if (!(isSystemError(error) && error.code === 'ESRCH')) throw error;
  }
}

/** How long a process may take to end after SIGKILL, in milliseconds. */
const PATIENCE = 10_000;

/**
 * The first process of a pid namespace ends only when all others in it were reaped, some perhaps by a parent
 * outside that doesn't; and one in an uninterruptible sleep doesn't end at all.
 */
async function withinPatience(gone: Promise<void>, pid: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const why = `process ${pid} has not ended ${PATIENCE / 1000} s after SIGKILL: another process of its pid namespace may be waiting for its parent to reap it, or a device for an answer`;
      reject(new TsruncError(why, { code: 'EBUSY', stage: 'delete' }));
    }, PATIENCE);
  });
  try {
    // The loser of the race is ended by the closing of the pidfd.
    gone.catch(() => {});
    await Promise.race([gone, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Removes all traces of a container whose processes have ended, or end with its cgroup. */
export function destroy(
  context: Context,
  folder: ContainerFolder,
  stored: StoredState,
): Promise<void> {
  return inTurn(() => removeTraces(context, folder, stored));
}

async function removeTraces(
  { native, warn }: Context,
  folder: ContainerFolder,
  stored: StoredState,
): Promise<void> {
  if (stored.cgroup !== undefined) await openCgroup(stored.cgroup, native).remove();
  if (stored.resctrl !== undefined) {
    const { removeGroups } = await import('../resctrl/index.js');
    removeGroups(stored.resctrl.own);
  }
  if (stored.pidFile !== undefined) removeTemporaryPidFile(stored.pidFile, stored.id);
  folder.remove();
  const { ociVersion, id, bundle, rootfs, created, annotations, owner, hooks } = stored;
  const state: State = {
    ociVersion,
    id,
    pid: 0,
    status: 'stopped',
    bundle,
    rootfs,
    created,
    annotations,
    owner,
  };
  await runHooks('poststop', hooks.poststop, state, {
    native,
    warn: (failure) => warn(failure.message),
  });
}
