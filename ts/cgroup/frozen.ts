import type { CgroupLocation } from './cgroup.js';
import { isFrozen as isFrozenV1 } from './v1/freezer.js';
import { isFrozen as isFrozenV2 } from './v2/freezer.js';

/** Whether a container's processes stand still. Asked at every `state`, so it loads nothing else of this room. */
export function isCgroupFrozen({ version, directories }: CgroupLocation): boolean {
  if (version === 'v2') return isFrozenV2(directories['unified'] ?? '');
  const freezer = Object.entries(directories).find(([name]) => name.split(',').includes('freezer'));
  return freezer !== undefined && isFrozenV1(freezer[1]);
}
