import { openCgroup } from '../cgroup/open.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';
import { cgroupOf } from './pause.js';

/** The processes of a container, as the host numbers them; none when it has stopped. */
export function listProcesses(context: Context, id: string): number[] {
  const { stored } = inspect(context, context.store.open(id));
  return openCgroup(cgroupOf(stored, 'list the processes of'), context.native).processes();
}
