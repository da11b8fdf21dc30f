import { posix } from 'node:path';
import { TsruncError } from '../errors.js';
import type { CgroupLayout, CgroupLocation } from './cgroup.js';

/**
 * Where a container's cgroup goes: config-linux.md, "Cgroups Path". An absolute path is below each
 * mountpoint. A relative one is below the caller's own cgroup; on cgroup v2 below that one's parent,
 * since a cgroup with processes in it can't hand controllers on to its children.
 *
 * @param id the container's ID; without a path the cgroup is named after it
 * @param cgroupsPath `linux.cgroupsPath`; systemd's `slice:prefix:name` form has no special meaning here
 * @throws TsruncError UNSUPPORTED without cgroups; INVALID_CONFIG for a path that names no cgroup of its own
 */
export function locateCgroup(
  layout: CgroupLayout,
  id: string,
  cgroupsPath?: string,
): CgroupLocation {
  // Normalizing below / makes sure that no `..` leads out of the mountpoint, or of our own cgroup.
  const path = posix.normalize(`/${cgroupsPath || `tsrunc-${id}`}`).replace(/\/$/, '');
  if (path === '') {
    throw new TsruncError(
      `config.json: linux.cgroupsPath is ${JSON.stringify(cgroupsPath)}, which names no cgroup of the container's own: give it a name`,
      { code: 'INVALID_CONFIG', stage: 'config' },
    );
  }
  const absolute = cgroupsPath?.startsWith('/') ?? false;
  const below = (mountpoint: string, base: string): string =>
    posix.join(mountpoint, absolute ? '/' : base, path);

  switch (layout.version) {
    case 'none':
      throw new TsruncError(
        'no cgroups are mounted on /sys/fs/cgroup: mount them there, or use --cgroup-manager disabled',
        { code: 'UNSUPPORTED', stage: 'cgroup' },
      );
    case 'v2':
      return {
        version: 'v2',
        directories: { unified: below(layout.mountpoint, posix.dirname(layout.own)) },
      };
    default:
      return {
        version: layout.version,
        directories: Object.fromEntries(
          layout.hierarchies.map(({ name, mountpoint, own }) => [name, below(mountpoint, own)]),
        ),
      };
  }
}
