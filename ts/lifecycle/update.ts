import { makeRoom } from '../cgroup/memory-room.js';
import { openCgroup } from '../cgroup/open.js';
import { TsruncError } from '../errors.js';
import { parseResources } from '../spec/parse.js';
import type { LinuxResources } from '../spec/types.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';
import { cgroupOf } from './pause.js';

/** Changes the limits of a container. What `resources` doesn't name stays as it is. */
export async function updateContainer(
  context: Context,
  id: string,
  resources: LinuxResources,
): Promise<void> {
  const wanted = parseResources(resources);
  const folder = context.store.open(id);
  using _lock = await folder.lock();
  const { stored, state } = inspect(context, folder);
  if (state.status === 'stopped' || state.status === 'creating') {
    throw new TsruncError('container not running', {
      code: 'CONTAINER_NOT_RUNNING',
      stage: 'update',
    });
  }
  const location = cgroupOf(stored, 'update');
  if (wanted.memory !== undefined) makeRoom(location, wanted.memory);
  openCgroup(location, context.native).apply(wanted);
}
