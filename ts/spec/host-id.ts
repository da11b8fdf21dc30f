import type { LinuxIDMapping } from './types.js';

/** The host's id of one in a user namespace with these mappings; undefined when it has none. */
export function hostId(
  mappings: readonly LinuxIDMapping[] | undefined,
  id: number,
): number | undefined {
  const map = mappings?.find(
    ({ containerID, size }) => id >= containerID && id < containerID + size,
  );
  return map === undefined ? undefined : map.hostID + (id - map.containerID);
}
