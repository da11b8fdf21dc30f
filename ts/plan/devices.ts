import { posix } from 'node:path';
import { S_IFBLK, S_IFCHR, S_IFIFO } from './kernel.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

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
  openSource: (source: string) => number,
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
    const device = {
      path: node.path,
      type: types[node.type] ?? 0,
      major: node.major,
      minor: node.minor,
    };
    if (mustBind && node.type !== 'p') {
      operations.push({
        op: 'bindNode',
        source: node.path,
        slot: openSource(node.path),
        ...device,
      });
    } else {
      operations.push({ op: 'makeNode', mode: node.mode, uid: node.uid, gid: node.gid, ...device });
    }
  }
  for (const [path, text] of links) operations.push({ op: 'symlink', path, text, replace: false });
  operations.push({ op: 'symlink', path: '/dev/ptmx', text: 'pts/ptmx', replace: true });
  return operations;
}
