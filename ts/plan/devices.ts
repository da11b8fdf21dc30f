import { posix } from 'node:path';
import { hostId } from '../spec/host-id.js';
import { S_IFBLK, S_IFCHR, S_IFIFO } from './kernel.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';
import type { Sources } from './sources.js';

const CAP_MKNOD = 1n << 27n;

interface Node {
  readonly path: string;
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** config-linux.md, "Default Devices". /dev/ptmx and /dev/console are made elsewhere. */
const defaultDevices: readonly Node[] = (
  [
    ['null', 1, 3],
    ['zero', 1, 5],
    ['full', 1, 7],
    ['random', 1, 8],
    ['urandom', 1, 9],
    ['tty', 5, 0],
  ] as const
).map(([name, major, minor]) => ({
  path: `/dev/${name}`,
  type: 'c',
  major,
  minor,
  mode: 0o666,
  uid: 0,
  gid: 0,
}));

/** runtime-linux.md, "Dev symbolic links". */
const links: readonly (readonly [path: string, text: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/core', '/proc/kcore'],
];

const types: Readonly<Record<string, number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

/** The default devices and `linux.devices`, of which one for the same path wins, and the links. */
export function planDevices(
  request: PlanRequest,
  namespaces: Namespaces,
  sources: Sources,
): Operation[] {
  const nodes = new Map(defaultDevices.map((node) => [node.path, node]));
  for (const device of request.spec.linux?.devices ?? []) {
    const path = posix.normalize(device.path);
    nodes.set(path, {
      path,
      type: device.type,
      major: device.major ?? 0,
      minor: device.minor ?? 0,
      mode: (device.fileMode ?? 0o666) & 0o7777,
      uid: device.uid ?? 0,
      gid: device.gid ?? 0,
    });
  }
  // mknod of devices needs the privilege in the initial user namespace, which root of another has not: the
  // container's, or already the caller's, as with rootless Podman.
  const mustBind = namespaces.has('user') || !request.host.privileged;
  const operations: Operation[] = [];
  for (const node of nodes.values()) {
    const { path, mode, uid, gid, major, minor } = node;
    const device = { path, type: types[node.type] ?? 0, major, minor };
    if (mustBind && node.type !== 'p') {
      const slot = openNode(request, namespaces, sources, node);
      operations.push({ op: 'bindNode', source: path, slot, ...device });
    } else {
      operations.push({ op: 'makeNode', mode, uid, gid, ...device });
    }
  }
  for (const [path, text] of links) operations.push({ op: 'symlink', path, text, replace: false });
  operations.push({ op: 'symlink', path: '/dev/ptmx', text: 'pts/ptmx', replace: true });
  return operations;
}

/**
 * A node for a container with a user namespace, as one of `sources`. One that was asked for is made by the stage,
 * with its mode and owner; a default one is the host's, and so is what can't be made or owned: 0 where init opens it.
 */
function openNode(
  { spec, host, folder }: PlanRequest,
  namespaces: Namespaces,
  sources: Sources,
  { type, ...node }: Node,
): number {
  if (!host.privileged) return 0;
  const isDefault = !spec.linux?.devices?.some(({ path }) => posix.normalize(path) === node.path);
  const uid = hostId(spec.linux?.uidMappings, node.uid);
  const gid = hostId(spec.linux?.gidMappings, node.gid);
  // Whose ids a namespace that is joined maps isn't known here.
  const canOwn = namespaces.created.has('user') && uid !== undefined && gid !== undefined;
  if (isDefault || !canOwn || (host.capabilities & CAP_MKNOD) === 0n)
    return sources.tree(node.path, false);
  return sources.node(folder, { ...node, type: types[type] ?? 0, uid, gid });
}
