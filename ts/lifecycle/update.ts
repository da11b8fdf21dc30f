import { makeRoom } from '../cgroup/memory-room.js';
import { openCgroup } from '../cgroup/open.js';
import { TsruncError } from '../errors.js';
import { parseResources } from '../spec/parse.js';
import type { LinuxIntelRdt, LinuxResources } from '../spec/types.js';
import type { StoredState } from '../state/state.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';
import { cgroupOf } from './pause.js';

/** What a container's class of service is to have. */
export type Schemata = Pick<LinuxIntelRdt, 'l3CacheSchema' | 'memBwSchema' | 'schemata'>;

/** Changes the limits of a container. What `resources` doesn't name stays as it is. */
export async function updateContainer(
  context: Context,
  id: string,
  resources: LinuxResources,
  schemata: Schemata = {},
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
  const group = Object.keys(schemata).length > 0 ? classOf(stored) : undefined;
  if (Object.keys(wanted).length > 0) {
    const location = cgroupOf(stored, 'update');
    if (wanted.memory !== undefined) makeRoom(location, wanted.memory);
    await openCgroup(location, context.native).apply(wanted);
  }
  if (group === undefined) return;
  const { resctrlRoot, writeSchemata } = await import('../resctrl/index.js');
  writeSchemata(resctrlRoot(), group, schemata);
}

/** The first group that a container has joined is its class of service; the other one only monitors. */
function classOf({ resctrl }: StoredState): string {
  const group = resctrl?.joined[0];
  if (group !== undefined) return group;
  throw new TsruncError(
    'the container has no class of service whose schemata could be changed: linux.intelRdt in its config.json, at create, gives it one',
    { code: 'UNSUPPORTED', stage: 'update' },
  );
}
