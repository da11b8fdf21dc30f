import { freezeCgroup, thawCgroup } from '../cgroup/freeze.js';
import { TsruncError } from '../errors.js';
import type { StoredState } from '../state/state.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';

/** Makes all processes of a container stand still. */
export async function pauseContainer(context: Context, id: string): Promise<void> {
  const folder = context.store.open(id);
  using _lock = await folder.lock();
  const { stored, state } = inspect(context, folder);
  if (state.status !== 'running' && state.status !== 'created') {
    throw new TsruncError(`container not running or created: ${state.status}`, {
      code: 'INVALID_STATE',
      stage: 'pause',
    });
  }
  await freezeCgroup(cgroupOf(stored, 'pause'));
}

/** Lets the processes of a paused container go on. */
export async function resumeContainer(context: Context, id: string): Promise<void> {
  const folder = context.store.open(id);
  using _lock = await folder.lock();
  const { stored, state } = inspect(context, folder);
  if (state.status !== 'paused') {
    throw new TsruncError(`container not paused: ${state.status}`, {
      code: 'INVALID_STATE',
      stage: 'resume',
    });
  }
  thawCgroup(cgroupOf(stored, 'resume'));
}

/** What these verbs act on. Throws UNSUPPORTED where the container has none. */
export function cgroupOf(
  { id, cgroup }: StoredState,
  verb: string,
): NonNullable<StoredState['cgroup']> {
  if (cgroup !== undefined) return cgroup;
  throw new TsruncError(
    `cannot ${verb} container "${id}": it has no cgroup of its own; create it where one can be made`,
    { code: 'UNSUPPORTED', stage: verb },
  );
}
