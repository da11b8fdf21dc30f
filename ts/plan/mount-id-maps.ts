import { TsruncError } from '../errors.js';
import type { Mount } from '../spec/types.js';
import { formatMappings, requireOnePage } from './id-maps.js';
import type { ParsedOptions } from './mount-options.js';
import type { Namespaces } from './namespaces.js';
import type { PlanRequest } from './request.js';

/** What an id-mapped mount takes its maps from: a user namespace that is there, or one made for it. */
export type IdMaps =
  | { readonly file: string }
  | { readonly uidMap: string; readonly gidMap: string };

/**
 * The maps of a mount, undefined for one that isn't id-mapped (config.md, "Linux mount options": idmap, ridmap).
 * Its own ones map ids of the file system, `containerID`, to ids of the host; without, the container's do.
 */
export function idMapsOf(
  mount: Mount,
  options: ParsedOptions,
  index: number,
  request: PlanRequest,
  namespaces: Namespaces,
): IdMaps | undefined {
  const { uidMappings = [], gidMappings = [] } = mount;
  const own = uidMappings.length > 0 && gidMappings.length > 0;
  if (!own && options.idmap === 'no') return undefined;
  const path = `mounts[${index}]`;
  if (!request.host.privileged) {
    throw new TsruncError(
      `config.json: ${path}: ids of mounts are mapped only for root of the host (mount_setattr(2), MOUNT_ATTR_IDMAP): run tsrunc as root, or leave the mapping out`,
      { code: 'UNSUPPORTED', stage: 'config' },
    );
  }
  const file = namespaces.joined.get('user');
  if (!own && file !== undefined) return { file };
  const { linux } = request.spec;
  const [uids, gids, at] = own
    ? [uidMappings, gidMappings, path]
    : [linux?.uidMappings ?? [], linux?.gidMappings ?? [], 'linux'];
  requireOnePage(uids, `${at}.uidMappings`, request.host);
  requireOnePage(gids, `${at}.gidMappings`, request.host);
  return { uidMap: formatMappings(uids), gidMap: formatMappings(gids) };
}
