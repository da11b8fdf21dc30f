import { readFileSync } from 'node:fs';
import { TsruncError } from '../errors.js';

/** Where the resctrl file system is mounted, in the text of /proc/PID/mountinfo (proc(5)); of several the first. */
export function findResctrl(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', type] = line.split(' - ');
    const [, , , root, target] = mount.split(' ');
    // A part of it that is mounted somewhere is not the whole.
    if (type?.startsWith('resctrl ') && root === '/' && target !== undefined)
      return target.replace(/\\(\d{3})/g, (_, code) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      );
  }
  return undefined;
}

/** The resctrl file system of this mount namespace. Throws UNSUPPORTED when there is none. */
export function resctrlRoot(): string {
  const root = findResctrl(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (root !== undefined) return root;
  throw new TsruncError(
    'config.json: linux.intelRdt: no resctrl file system is mounted: on a processor and a kernel with resource control, mount -t resctrl resctrl /sys/fs/resctrl, else leave intelRdt out',
    { code: 'UNSUPPORTED', stage: 'resctrl' },
  );
}
