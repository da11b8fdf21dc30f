import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSystemError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import { readControl, unlessGone } from './control-files.js';

/** A cgroup and all below it, parents first. Empty when there is no such cgroup. */
export function subtree(directory: string): string[] {
  const entries = unlessGone(() => readdirSync(directory, { withFileTypes: true }));
  if (entries === undefined) return [];
  const below = entries.filter((entry) => entry.isDirectory());
  return [directory, ...below.flatMap(({ name }) => subtree(join(directory, name)))];
}

/** The pids of all processes in a cgroup and below it. */
export function processesBelow(directory: string): number[] {
  return subtree(directory).flatMap(processesIn);
}

function processesIn(directory: string): number[] {
  const text = unlessGone(() => readControl(directory, 'cgroup.procs')) ?? '';
  // What lives in a pid namespace out of our sight has the pid 0.
  return text
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
}

/**
 * Where in a cgroup2 another process can be put beside a given one: a cgroup that hands controllers on can't have
 * processes of its own, and what is inside (a service manager, another runtime) may have moved to sub-cgroups for that.
 */
export function placeBeside(directory: string, pid: number): string {
  const handsOn = unlessGone(() => readControl(directory, 'cgroup.subtree_control')) ?? '';
  if (handsOn === '') return directory;
  return subtree(directory).find((each) => processesIn(each).includes(pid)) ?? directory;
}

/**
 * Makes a cgroup and the parents that are missing.
 *
 * @returns what it made, parents first: empty when the cgroup was there
 */
export function makeCgroup(directory: string): string[] {
  try {
    loadNative().mkdir(directory, 0o755);
    return [directory];
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'EEXIST') return [];
    if (error.code !== 'ENOENT') throw error;
  }
  const parents = makeCgroup(dirname(directory));
  try {
    loadNative().mkdir(directory, 0o755);
    return [...parents, directory];
  } catch (error) {
    for (const parent of parents.reverse()) removeLeaf(parent);
    throw error;
  }
}

/**
 * Removes a cgroup and what's below it, as far as they have no processes.
 *
 * @returns whether it's gone
 */
export function removeCgroup(directory: string): boolean {
  if (removeLeaf(directory)) return true;
  return subtree(directory).reverse().map(removeLeaf).at(-1) ?? true;
}

/**
 * Removes a cgroup that has neither processes nor sub-cgroups.
 *
 * @returns whether it's gone
 */
export function removeLeaf(directory: string): boolean {
  try {
    loadNative().rmdir(directory);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT') return true;
    if (error.code === 'EBUSY') return false;
    throw error;
  }
}
