import { hostId } from '../spec/host-id.js';
import type { Mount, Spec } from '../spec/types.js';

/**
 * The user of the host who gets the container's cgroup, that the container may make cgroups in it: config-linux.md,
 * "Cgroup ownership". Only one that sees nothing but its own cgroups, may write there, and has user ids of its own.
 */
export function cgroupOwner({ linux, mounts, process }: Spec): number | undefined {
  const isNew = (type: string): boolean =>
    linux?.namespaces?.some((each) => each.type === type && !each.path) ?? false;
  if (!isNew('cgroup') || !isNew('user') || !mounts?.some(isWritableCgroup)) return undefined;
  return hostId(linux?.uidMappings, process?.user?.uid ?? 0);
}

/** Of several `ro` and `rw` the last counts, as for mount(8). */
function isWritableCgroup({ destination, type, options }: Mount): boolean {
  if (destination.replace(/\/+$/, '') !== '/sys/fs/cgroup') return false;
  if (type !== 'cgroup' && type !== 'cgroup2') return false;
  return options?.filter((option) => option === 'ro' || option === 'rw').at(-1) !== 'ro';
}
