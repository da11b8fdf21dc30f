import { posix } from 'node:path';
import { TsruncError } from '../../errors.js';
import type { CgroupLayout, CgroupLocation } from '../cgroup.js';

/** A container's scope, and the slice that it lies in. */
export interface ScopeNames {
  /** `system.slice`. */
  readonly slice: string;
  /** `tsrunc-ID.scope`. */
  readonly unit: string;
}

/** systemd.unit(5): what a unit's name may consist of. */
const unitName = /^[A-Za-z0-9:_.\\@-]{1,240}$/;

/**
 * The names that `linux.cgroupsPath` gives in its form for systemd, `slice:prefix:name`; each part may be empty.
 *
 * @param user whether it is a user's own systemd that makes it
 * @throws TsruncError INVALID_CONFIG for another form, and for what can't be a unit's name
 */
export function scopeNames(id: string, cgroupsPath: string | undefined, user: boolean): ScopeNames {
  const [slice = '', prefix = 'tsrunc', name = id, ...more] = (cgroupsPath || ':tsrunc:').split(
    ':',
  );
  if (cgroupsPath && (!cgroupsPath.includes(':') || more.length > 0)) {
    throw refused(
      cgroupsPath,
      'for cgroups made by systemd it has the form "slice:prefix:name": change it, or use --cgroup-manager cgroupfs',
    );
  }
  const last = name || id;
  if (last.endsWith('.slice'))
    throw refused(cgroupsPath, 'a container can’t be a slice: give a name without .slice');
  const unit = `${prefix === '' ? '' : `${prefix}-`}${last}.scope`;
  if (!unitName.test(unit))
    throw refused(cgroupsPath, `${JSON.stringify(unit)} can’t be the name of a unit`);
  return { slice: slice || (user ? 'user.slice' : 'system.slice'), unit };
}

/** The cgroup of a slice below that of its manager: systemd.slice(5), `a-b.slice` lies in `a.slice`. */
export function slicePath(slice: string, cgroupsPath?: string): string {
  if (slice === '-.slice') return '';
  const name = slice.replace(/\.slice$/, '');
  const parts = name.split('-');
  if (!slice.endsWith('.slice') || !unitName.test(slice) || parts.includes(''))
    throw refused(cgroupsPath ?? slice, `${JSON.stringify(slice)} can’t be the name of a slice`);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/');
}

/** Where the scope's cgroup will be in each hierarchy. `base` is the cgroup of the manager's root. */
export function locateScope(
  layout: CgroupLayout,
  { slice, unit }: ScopeNames,
  base: string,
  user: boolean,
): CgroupLocation {
  const path = posix.join('/', base, slicePath(slice), unit);
  const systemd = { unit, slice, user };
  if (layout.version === 'none') {
    throw new TsruncError(
      'no cgroups are mounted on /sys/fs/cgroup: mount them there, or use --cgroup-manager disabled',
      { code: 'UNSUPPORTED', stage: 'cgroup' },
    );
  }
  if (layout.version === 'v2') {
    const unified = posix.join(layout.mountpoint, path);
    return { version: 'v2', directories: { unified }, systemd };
  }
  const directories = layout.hierarchies.map(({ name, mountpoint }) => [
    name,
    posix.join(mountpoint, path),
  ]);
  return { version: layout.version, directories: Object.fromEntries(directories), systemd };
}

function refused(cgroupsPath: string | undefined, why: string): TsruncError {
  return new TsruncError(
    `config.json: linux.cgroupsPath ${JSON.stringify(cgroupsPath ?? '')}: ${why}`,
    { code: 'INVALID_CONFIG', stage: 'config' },
  );
}
