/** The files of a running container's cgroups, on whatever kind of host. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layout } from './cgroups.js';

const mountpoints: readonly { readonly names: readonly string[]; readonly path: string }[] =
  layout.version === 'v2'
    ? [{ names: ['unified'], path: layout.mountpoint }]
    : layout.version === 'none'
      ? []
      : layout.hierarchies.map(({ name, mountpoint }) => ({
          names: name.split(','),
          path: mountpoint,
        }));

/** Where the hierarchy of a v1 controller is mounted, or the one of cgroup2, `unified`. */
export function mountOf(hierarchy: string): string | undefined {
  return mountpoints.find(({ names }) => names.includes(hierarchy))?.path;
}

/** Whether the cgroup2 of this host has a controller. */
export function unifiedHas(controller: string): boolean {
  const mountpoint = mountOf('unified');
  if (mountpoint === undefined) return false;
  const names = readFileSync(join(mountpoint, 'cgroup.controllers'), 'utf8').trim().split(' ');
  return names.includes(controller);
}

/** The hierarchy that limits are written to for a v1 or v2 controller here; undefined when there is none. */
export function hierarchyOf(v1: string, v2: string): string | undefined {
  if (mountOf(v1) !== undefined) return v1;
  return unifiedHas(v2) ? 'unified' : undefined;
}

/** The folder of a process's cgroup in a hierarchy. */
export function cgroupFolder(pid: number, hierarchy: string): string {
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const names = controllers === '' ? ['unified'] : controllers.split(',');
    if (names.includes(hierarchy)) return join(mountOf(hierarchy) ?? '', path);
  }
  throw new Error(`process ${pid} is in no cgroup of ${hierarchy}`);
}

/** What the kernel shows in a file of a process's cgroup. */
export function control(pid: number, hierarchy: string, file: string): string {
  return readFileSync(join(cgroupFolder(pid, hierarchy), file), 'utf8').trim();
}

/** Has controllers handed on to all cgroups of the cgroup2, until this process ends. */
export function handOn(controllers: readonly string[]): void {
  const mountpoint = mountOf('unified');
  if (mountpoint === undefined) return;
  const file = join(mountpoint, 'cgroup.subtree_control');
  if (!existsSync(file)) return;
  const before = readFileSync(file, 'utf8').trim().split(' ');
  for (const name of controllers.filter((each) => unifiedHas(each) && !before.includes(each))) {
    writeFileSync(file, `+${name}`);
    // At the very end, when the tests' own cgroups are gone.
    process.once('exit', () => writeFileSync(file, `-${name}`));
  }
}

/** Limits by the names of config.json: where a container's are, in v1 and in v2. */
const files = {
  'memory.limit': ['memory', 'memory.limit_in_bytes', 'memory.max'],
  'pids.limit': ['pids', 'pids.max', 'pids.max'],
  'cpu.shares': ['cpu', 'cpu.shares', 'cpu.weight'],
  'cpu.quota': ['cpu', 'cpu.cfs_quota_us', 'cpu.max'],
} as const;
export type LimitName = keyof typeof files;

/** Which of two values holds on this host. */
export const onVersion = <T>(v1: T, v2: T): T => (layout.version === 'v2' ? v2 : v1);

/** What the kernel shows of a limit of a process's cgroup. */
export function limitOf(pid: number, name: LimitName): string {
  const [controller, v1, v2] = files[name];
  return control(pid, onVersion<string>(controller, 'unified'), onVersion<string>(v1, v2));
}
