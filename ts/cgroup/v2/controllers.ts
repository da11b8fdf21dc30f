import { dirname } from 'node:path';
import { isSystemError, TsruncError } from '../../errors.js';
import { readControl, unlessGone, writeControl } from '../control-files.js';

/** What every container's cgroup gets as far as the host has it: those that limit, and io, which at least counts. */
const wanted = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

/**
 * Enables controllers for a cgroup, in its parents from the topmost that lacks them down.
 * That one can't be enabled is no error yet: it only matters when there is a limit for it (`requireController`).
 */
export function enableControllers(directory: string): void {
  enableBelow(dirname(directory), wanted);
}

function enableBelow(parent: string, names: readonly string[]): void {
  const enabled = readNames(parent, 'cgroup.subtree_control');
  // Above the topmost cgroup there is no such file.
  if (enabled === undefined) return;
  const missing = names.filter((name) => !enabled.includes(name));
  if (missing.length === 0) return;
  const available = readNames(parent, 'cgroup.controllers') ?? [];
  const absent = missing.filter((name) => !available.includes(name));
  if (absent.length > 0) {
    enableBelow(dirname(parent), absent);
    available.push(...(readNames(parent, 'cgroup.controllers') ?? []));
  }
  for (const name of missing.filter((each) => available.includes(each))) enable(parent, name);
}

/** One by one, since the kernel takes all or nothing of what is in one write. */
function enable(parent: string, name: string): void {
  try {
    writeControl(parent, 'cgroup.subtree_control', `+${name}`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/**
 * Makes sure that a cgroup has a controller, by enabling it in the parents if need be.
 *
 * @param limit what it's needed for, below `linux.resources`
 * @throws TsruncError UNSUPPORTED when the cgroup doesn't have the controller
 */
export function requireController(directory: string, name: string, limit: string): void {
  if (hasController(directory, name)) return;
  // Rare ones are enabled when there is a limit for them.
  enableBelow(dirname(directory), [name]);
  if (hasController(directory, name)) return;
  const parent = dirname(directory);
  const remedy = readNames(parent, 'cgroup.controllers')?.includes(name)
    ? `${parent} has it but does not hand it on, which takes permission and no processes in that cgroup: write +${name} to its cgroup.subtree_control`
    : `${parent} does not have it either: it must be delegated from above (systemd: Delegate=), and not be disabled at boot or in use by cgroup v1`;
  throw new TsruncError(
    `linux.resources.${limit} can't be set: cgroup ${directory} does not have the ${name} controller, and ${remedy}`,
    { code: 'UNSUPPORTED', path: directory, stage: 'cgroup' },
  );
}

/**
 * Whether a cgroup, or one above it, has a controller; it may not be there yet. On a hybrid host each controller is
 * either here or in a v1 hierarchy.
 */
export function offersController(directory: string, name: string): boolean {
  for (let each = directory; each !== dirname(each); each = dirname(each)) {
    if (hasController(each, name)) return true;
  }
  return false;
}

function hasController(directory: string, name: string): boolean {
  return readNames(directory, 'cgroup.controllers')?.includes(name) ?? false;
}

function readNames(directory: string, file: string): string[] | undefined {
  return unlessGone(() => readControl(directory, file))?.split(' ');
}
