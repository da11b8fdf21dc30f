import { TsruncError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { LinuxIDMapping } from '../spec/types.js';
import type { Namespaces } from './namespaces.js';
import type { PlanRequest } from './request.js';

const CAP_SETGID = 1n << 6n;
const CAP_SETUID = 1n << 7n;

/** Whether the caller may map all ids of its own user namespace into a new one: root of any, as rootless Podman makes itself. */
export function mapsAnything({ privileged, capabilities }: Host): boolean {
  const needed = CAP_SETGID | CAP_SETUID;
  return privileged || (capabilities & needed) === needed;
}

/**
 * Whether the ids of a new user namespace can be mapped by the caller alone although it has no privilege: one
 * id, its own. The kernel then wants setgroups(2) to be denied first (user_namespaces(7)).
 */
export function mapsOnlyItself(
  mappings: readonly LinuxIDMapping[] | undefined,
  own: number,
): boolean {
  const [only] = mappings ?? [];
  return mappings?.length === 1 && only?.size === 1 && only.hostID === own;
}

/** Whether setgroups(2) is denied in the container. */
export function needsDeniedSetgroups({ spec, host }: PlanRequest, namespaces: Namespaces): boolean {
  return (
    !mapsAnything(host) &&
    namespaces.created.has('user') &&
    mapsOnlyItself(spec.linux?.gidMappings, host.gid)
  );
}

/** The lines of /proc/PID/uid_map or gid_map. */
export function formatMappings(mappings: readonly LinuxIDMapping[]): string {
  return mappings
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
    .join('');
}

/** The kernel takes a map in one write that is shorter than a page, which 340 lines needn't be (user_namespaces(7)). */
export function requireOnePage(
  mappings: readonly LinuxIDMapping[],
  path: string,
  { arch }: Host,
): void {
  const size = formatMappings(mappings).length;
  // Other architectures may have larger pages; there the kernel itself has the last word.
  if (size < 4096 || arch !== 'x64') return;
  throw new TsruncError(
    `config.json: ${path}: its ${mappings.length} lines have ${size} bytes, and the kernel takes 4095: join mappings that follow each other, or have fewer`,
    { code: 'UNSUPPORTED', stage: 'config' },
  );
}
