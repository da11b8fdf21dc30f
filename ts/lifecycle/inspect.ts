import { isCgroupFrozen } from '../cgroup/frozen.js';
import { isSystemError, TsruncError } from '../errors.js';
import type { ContainerFolder } from '../state/folder.js';
import type { State, StoredState } from '../state/state.js';
import { type StatusFacts, stateOf } from '../state/status.js';
import type { Context } from './context.js';
import { START_SOCKET } from './start-socket.js';

/** A container as it is now: what was written down, and what the kernel says. */
export interface Inspected {
  readonly stored: StoredState;
  readonly state: State;
}

/** runtime.md, "Query State". Throws CONTAINER_NOT_FOUND. */
export function inspect(context: Context, folder: ContainerFolder): Inspected {
  let stored = folder.read();
  // The creator may finish between our reading and our looking at its lock: then there is more to read.
  if (stored?.phase === 'creating' && !folder.isLocked()) stored = folder.read();
  if (stored === undefined) throw notFound(folder.id);
  return { stored, state: stateOf(stored, factsOf(context, folder, stored)) };
}

export function queryState(context: Context, id: string): State {
  return inspect(context, context.store.open(id)).state;
}

/** Every container, in the order of their ids; one that is being deleted meanwhile is left out. */
export function listContainers(context: Context): State[] {
  return context.store.list().flatMap((id) => {
    try {
      return [queryState(context, id)];
    } catch (error) {
      if (!(error instanceof TsruncError)) throw error;
      // One that can't be read must not hide the others.
      if (error.code !== 'CONTAINER_NOT_FOUND') context.warn(error.message);
      return [];
    }
  });
}

/** The questions to the kernel that a status may need: asked only when it does. */
function factsOf({ native }: Context, folder: ContainerFolder, stored: StoredState): StatusFacts {
  return {
    isFrozen: () => stored.cgroup !== undefined && isCgroupFrozen(stored.cgroup),
    /** Whether `start` succeeded and could not write it down: init's socket is gone with the exec. */
    hasStarted: (): boolean => {
      try {
        native.close(native.connect(folder.path(START_SOCKET), 'seqpacket'));
        return false;
      } catch (error) {
        // Its backlog is full, since init is stopped: it is there all the same.
        if (isSystemError(error) && error.code === 'EAGAIN') return false;
        if (isSystemError(error) && /^(ECONNREFUSED|ENOENT)$/.test(error.code)) return true;
        throw error;
      }
    },
    isBeingCreated: () => folder.isLocked(),
  };
}

function notFound(id: string): TsruncError {
  return new TsruncError(`container does not exist: "${id}"`, {
    code: 'CONTAINER_NOT_FOUND',
    stage: 'state',
  });
}
