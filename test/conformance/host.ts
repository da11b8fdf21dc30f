/** Facts about the machine that rules depend on, and files of the host's kernel that they look at. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface MountLine {
  readonly root: string;
  readonly target: string;
  /** Of the mount: `ro`, `nosuid` … */
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, `unbindable`. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Of the file system. */
  readonly superOptions: readonly string[];
}

/** /proc/PID/mountinfo, proc(5). */
export function parseMounts(text: string): MountLine[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const fields = line.split(' ');
      const dash = fields.indexOf('-', 6);
      return {
        root: fields[3] ?? '',
        target: fields[4] ?? '',
        options: fields[5]?.split(',') ?? [],
        propagation: fields.slice(6, dash),
        type: fields[dash + 1] ?? '',
        source: fields[dash + 2] ?? '',
        superOptions: fields[dash + 3]?.split(',') ?? [],
      };
    });
}

const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));

/** Where each v1 controller's hierarchy is mounted; `unified` for cgroup2. */
export const hierarchies: ReadonlyMap<string, string> = new Map(
  mounts
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .flatMap(({ type, target, superOptions }): [string, string][] =>
      type === 'cgroup2'
        ? [['unified', target]]
        : superOptions.map((option): [string, string] => [option, target]),
    ),
);

/** Pure v2 is what the specification calls cgroup v2; with any v1 controller it is v1 here. */
export const cgroupVersion: 1 | 2 =
  hierarchies.has('unified') && !hierarchies.has('memory') ? 2 : 1;

/** The controllers that a container can have on this host. */
export function hasController(name: string): boolean {
  if (cgroupVersion === 1) return hierarchies.has(name);
  const root = hierarchies.get('unified') ?? '';
  return readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(' ').includes(name);
}

/** The folder of a cgroup in the hierarchy of a controller. */
export function cgroupFolder(controller: string, path: string): string {
  return join(hierarchies.get(cgroupVersion === 2 ? 'unified' : controller) ?? '/nowhere', path);
}

/** Every folder of this name, one in each hierarchy. */
export const cgroupFolders = (path: string): string[] =>
  [...new Set(hierarchies.values())].map((root) => join(root, path)).filter(existsSync);

/** `net:[4026531840]`, what tells namespaces apart. */
export const namespaceOf = (pid: number | 'self', type: string): string =>
  readlinkSync(`/proc/${pid}/ns/${type}`);

/** Whether a process is there and alive: a zombie is neither. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export const isMounted = (type: string): boolean => mounts.some((mount) => mount.type === type);

export const hasSecurityModule = (name: string): boolean => {
  try {
    return readFileSync('/sys/kernel/security/lsm', 'utf8').split(',').includes(name);
  } catch {
    return existsSync(`/sys/fs/${name}`) && readdirSync(`/sys/fs/${name}`).length > 0;
  }
};
