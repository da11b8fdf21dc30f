import { readControl, unlessGone, writeControl } from '../control-files.js';
import { subtree } from '../tree.js';

/** Whether the freezer holds the processes of this cgroup, also by a frozen parent, or is about to. */
export function isFrozen(directory: string): boolean {
  const state = unlessGone(() => readControl(directory, 'freezer.state'));
  return state !== undefined && state !== 'THAWED';
}

/** Starts to freeze all processes in a cgroup and below it; what they fork until they stand still is born frozen. */
export function freeze(directory: string): void {
  unlessGone(() => writeControl(directory, 'freezer.state', 'FROZEN'));
}

/** Thaws a cgroup and those below it, which may have been frozen on their own. */
export function thaw(directory: string): void {
  for (const each of subtree(directory)) {
    unlessGone(() => writeControl(each, 'freezer.state', 'THAWED'));
  }
}
