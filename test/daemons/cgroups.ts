/** What the kernel's files say of a daemon's container. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The cgroup folders of a container, in each hierarchy, by a part of its name. */
export function cgroupsOf(name: string, folder = '/sys/fs/cgroup', depth = 4): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.name.includes(name)) return [path];
      return depth > 0 ? cgroupsOf(name, path, depth - 1) : [];
    });
}

/** Whether the kernel has frozen a container. */
export function isFrozen(name: string): boolean {
  return cgroupsOf(name).some((path) => {
    const [v1, v2] = ['freezer.state', 'cgroup.events'].map((file) => join(path, file));
    if (v1 !== undefined && existsSync(v1)) return readFileSync(v1, 'utf8').trim() === 'FROZEN';
    return v2 !== undefined && existsSync(v2) && readFileSync(v2, 'utf8').includes('frozen 1');
  });
}

/** The number in a file of a container's cgroup, `max` and v1's huge numbers included, or undefined. */
export function limitOf(name: string, ...files: readonly string[]): string | undefined {
  for (const path of cgroupsOf(name)) {
    const file = files.map((each) => join(path, each)).find((each) => existsSync(each));
    if (file !== undefined) return readFileSync(file, 'utf8').trim();
  }
  return undefined;
}
