import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { CgroupLayout, CgroupLocation } from './cgroup.js';

/** Whether the caller, who isn't root, may make these directories: whether what is there of them was delegated. */
export function mayMakeCgroup({ directories }: CgroupLocation): boolean {
  return Object.values(directories).every((directory) => isWritable(nearest(directory)));
}

/**
 * Whether the caller may have a process in a cgroup v2, coming from its own: cgroups(7), "Delegation containment", asks
 * for the right to write to the closest cgroup above both.
 */
export function mayEnterCgroup(
  { mountpoint, own }: Extract<CgroupLayout, { version: 'v2' }>,
  directory: string,
): boolean {
  const from = join(mountpoint, own);
  let above = directory;
  while (isOutside(above, from)) above = dirname(above);
  return isWritable(join(above, 'cgroup.procs'));
}

function isOutside(directory: string, path: string): boolean {
  return /^\.\.(\/|$)/.test(relative(directory, path));
}

function nearest(directory: string): string {
  return existsSync(directory) ? directory : nearest(dirname(directory));
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
