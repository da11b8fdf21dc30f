import { writeFileSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import type { Host } from '../host/host.js';
import { formatMappings, mapsAnything, mapsOnlyItself } from '../plan/id-maps.js';
import type { Linux, LinuxIDMapping } from '../spec/types.js';

/**
 * Writes the id maps of the user namespace that process `pid` has just made. Root of the caller's
 * namespace writes them itself, and so does anyone who maps only his own id; all else an unprivileged caller gets
 * from newuidmap and newgidmap, which know the ids that are his (subuid(5)).
 */
export async function writeIdMaps(pid: number, linux: Linux, host: Host): Promise<void> {
  const { uidMappings = [], gidMappings = [] } = linux;
  const any = mapsAnything(host);
  if (any || mapsOnlyItself(gidMappings, host.gid)) {
    if (!any) write(`/proc/${pid}/setgroups`, 'deny');
    write(`/proc/${pid}/gid_map`, formatMappings(gidMappings));
  } else {
    await callHelper('newgidmap', pid, gidMappings);
  }
  if (any || mapsOnlyItself(uidMappings, host.uid)) {
    write(`/proc/${pid}/uid_map`, formatMappings(uidMappings));
  } else {
    await callHelper('newuidmap', pid, uidMappings);
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TsruncError(
      `write the id mappings ${JSON.stringify(text.trim())} to ${file}: ${error.message}`,
      {
        code: error.code,
        errno: -error.errno,
        syscall: error.syscall,
        path: file,
        stage: 'stage',
        cause: error,
      },
    );
  }
}

async function callHelper(
  helper: string,
  pid: number,
  mappings: readonly LinuxIDMapping[],
): Promise<void> {
  const numbers = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
  const [{ execFile }, { promisify }] = await Promise.all([
    import('node:child_process'),
    import('node:util'),
  ]);
  try {
    await promisify(execFile)(helper, [pid, ...numbers].map(String));
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string | number; stderr?: string };
    const why =
      code === 'ENOENT'
        ? 'there is no such program: install the package uidmap'
        : `${stderr.trim() || `it exited with status ${code}`} (are these ids given to you in /etc/subuid and /etc/subgid?)`;
    throw new TsruncError(`map the ids ${numbers.join(' ')} with ${helper}: ${why}`, {
      code: 'EPERM',
      path: helper,
      stage: 'stage',
      cause: error,
    });
  }
}
