import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where all mounts of this mount namespace are. */
export function mountTargets(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
}

export interface LiveProcess {
  readonly pid: number;
  readonly name: string;
}

/** The living processes below this one: of a subreaper also those that have lost their parents. */
export function descendants(): LiveProcess[] {
  const found: (LiveProcess & { parent: number; dead: boolean })[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const [, name = '', state = '', parent = ''] =
      /^\d+ \((.*)\) (\S) (\d+)/s.exec(statOf(entry)) ?? [];
    found.push({
      pid: Number(entry),
      name,
      parent: Number(parent),
      dead: state === 'Z' || state === 'X' || state === '',
    });
  }
  const family = new Set([process.pid]);
  // Pids wrap around, so a child's may be below its parent's: until nothing is new.
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent } of found) if (family.has(parent)) family.add(pid);
  }
  return found.filter(({ pid, dead }) => pid !== process.pid && !dead && family.has(pid));
}

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return '';
  }
}

/** The folders of this test file's cgroups: one in each hierarchy. */
function cgroupParents(): string[] {
  const name = `tsrunc-test-${process.pid}`;
  const mounted = mountTargets().filter((target) => target.startsWith('/sys/fs/cgroup'));
  return mounted.map((hierarchy) => join(hierarchy, name)).filter((path) => existsSync(path));
}

function subfolders(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name));
}

/** Cgroups of this test file's containers that are still there. */
export function leftCgroups(): string[] {
  return cgroupParents()
    .flatMap(subfolders)
    .map((path) => `cgroup ${path}`);
}

/** Removes the folders that the containers' cgroups were in. */
export function removeCgroups(): void {
  const remove = (path: string): void => {
    for (const folder of subfolders(path)) remove(folder);
    try {
      rmdirSync(path);
    } catch (error) {
      console.log(`# left behind: cgroup ${path}: ${(error as Error).message}`);
    }
  };
  for (const parent of cgroupParents()) remove(parent);
}
