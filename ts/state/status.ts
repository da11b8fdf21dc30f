import { isAlive, isEnding } from './process.js';
import type { ProcessIdentity, State, Status, StoredState } from './state.js';

/** What only the kernel knows. Each is asked only where the answer counts. */
export interface StatusFacts {
  /** Whether somebody is still at work creating it: `ContainerFolder.isLocked`. */
  isBeingCreated(): boolean;
  /** Whether the container's cgroup is frozen. */
  isFrozen(): boolean;
  /** Whether the created container's process has begun the user's program. */
  hasStarted(): boolean;
  /** Default: ts/state/process.ts. */
  isAlive?(process: ProcessIdentity): boolean;
  /** Default: ts/state/process.ts. */
  isEnding?(process: ProcessIdentity): boolean;
}

/** A container's state as runtime.md defines it, from what was written down and what is true now. */
export function stateOf(stored: StoredState, facts: StatusFacts): State {
  const status = statusOf(stored, facts);
  return {
    ociVersion: stored.ociVersion,
    id: stored.id,
    pid: status === 'stopped' ? 0 : (stored.init?.pid ?? 0),
    status,
    bundle: stored.bundle,
    rootfs: stored.rootfs,
    created: stored.created,
    ...(Object.keys(stored.annotations).length > 0 ? { annotations: stored.annotations } : {}),
    owner: stored.owner,
  };
}

/** The status alone. */
export function statusOf(stored: StoredState, facts: StatusFacts): Status {
  // Whose creator died never becomes anything else: to its caller it is as good as stopped.
  if (stored.phase === 'creating') return facts.isBeingCreated() ? 'creating' : 'stopped';
  const alive = facts.isAlive ?? isAlive;
  if (stored.init === undefined || !alive(stored.init)) return 'stopped';
  if (facts.isFrozen()) return 'paused';
  if (stored.phase === 'running') return 'running';
  // `start` may have been killed between telling the process to go on and writing that down.
  if (!facts.hasStarted()) return 'created';
  // What tells of that is gone, too, when the process is just being killed.
  return (facts.isEnding ?? isEnding)(stored.init) ? 'stopped' : 'running';
}
