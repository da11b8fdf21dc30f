import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CgroupLocation } from './cgroup.js';

/** Whether the caller, who isn't root, may make these directories: whether what is there of them was delegated. */
export function mayMakeCgroup({ directories }: CgroupLocation): boolean {
  return Object.values(directories).every((directory) => isWritable(nearest(directory)));
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
