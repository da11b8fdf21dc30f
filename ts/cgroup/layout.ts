import { basename, join } from 'node:path';
import { loadNative } from '../native/addon.js';
import type { CgroupHierarchy, CgroupLayout } from './cgroup.js';

/** statfs(2) types of <linux/magic.h>. */
const CGROUP = 0x27e0eb;
const CGROUP2 = 0x63677270;
const TMPFS = 0x01021994;

/**
 * Finds out how cgroups are mounted, from what the usual places are. /proc/self/mountinfo would tell
 * too, but on a host with thousands of containers reading it takes longer than all the rest of a start.
 *
 * @param root where cgroups are mounted
 * @param membership where the kernel tells of the caller's own cgroups; cgroups(7), "/proc files"
 */
export function detectCgroupLayout(
  root = '/sys/fs/cgroup',
  membership = '/proc/self/cgroup',
): CgroupLayout {
  const { fileSystemType, readText } = loadNative();
  const type = fileSystemType(root);
  if (type !== CGROUP2 && type !== TMPFS) return { version: 'none' };
  const lines = parseMembership(readText(membership));
  if (type === CGROUP2) {
    const own = lines.find(({ controllers }) => controllers.length === 0)?.path ?? '/';
    const controllers = readText(join(root, 'cgroup.controllers')).split(/\s+/);
    return {
      version: 'v2',
      mountpoint: root,
      own: visible(root, own),
      controllers: controllers.filter((name) => name !== ''),
    };
  }
  const hierarchies = lines.flatMap((line) => findHierarchy(root, line) ?? []);
  if (hierarchies.length === 0) return { version: 'none' };
  const hybrid = hierarchies.some(({ controllers }) => controllers.length === 0);
  return { version: hybrid ? 'hybrid' : 'v1', hierarchies };
}

/** A line of /proc/PID/cgroup. */
export interface Membership {
  /** Empty for cgroup2. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/** The lines of a /proc/PID/cgroup. A path may itself have colons and spaces. */
export function parseMembership(text: string): Membership[] {
  return text.split('\n').flatMap((line) => {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (second < 0) return [];
    const controllers = line.slice(first + 1, second);
    return [
      {
        controllers: controllers === '' ? [] : controllers.split(','),
        path: line.slice(second + 1),
      },
    ];
  });
}

/** The hierarchy of one line, when it's mounted where everybody mounts it. */
function findHierarchy(
  root: string,
  { controllers, path }: Membership,
): CgroupHierarchy | undefined {
  const [name, magic] =
    controllers.length === 0 ? ['unified', CGROUP2] : [controllers.join(','), CGROUP];
  // Of controllers in one hierarchy, each usually has a link, and the order in the name may be another.
  for (const each of [name, ...controllers]) {
    const place = each.startsWith('name=') ? each.slice('name='.length) : each;
    const mountpoint = `${root}/${place}`;
    if (loadNative().fileSystemType(mountpoint) !== magic) continue;
    const real = place === name ? mountpoint : loadNative().realpath(mountpoint);
    return { name: basename(real), controllers, mountpoint: real, own: visible(real, path) };
  }
  return undefined;
}

/**
 * The caller's cgroup as seen below a mountpoint. In a container without a cgroup namespace the path is
 * the host's, while only the container's own part is mounted: then our cgroup is the mountpoint itself.
 */
function visible(mountpoint: string, path: string): string {
  if (path === '/' || path.startsWith('/..')) return '/';
  return loadNative().exists(join(mountpoint, path)) ? path : '/';
}
