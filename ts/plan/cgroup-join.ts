import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

/** When a new container joins its cgroups, and when its cgroup namespace is made: that shows where it was then. */
export interface CgroupJoin {
  /** In the runtime's namespaces. */
  readonly early: Operation[];
  /** Once the mounts are made, before anything of the container runs. */
  readonly late: Operation[];
  readonly namespaceIsLate: boolean;
}

/**
 * The memory controller of v1 is joined late: what the kernel keeps for namespaces and mounts, some 200 KiB, would
 * leave no room under a small limit, and the caller has asked for it. Not so where `mounts`
 *
 * - fill a tmpfs from the image: how much that takes, the image's author decides;
 * - have a file system of cgroups: what it shows is what is in the cgroup namespace of that moment.
 */
export function joinCgroups(
  { cgroup, joinFiles }: PlanRequest,
  namespaces: Namespaces,
  mounts: readonly Operation[],
): CgroupJoin {
  const hierarchies = Object.entries(cgroup?.directories ?? {});
  const memory = hierarchies.find(([name]) => name.split(',').includes('memory'))?.[1];
  const file = joinFiles.find((each) => each === `${memory}/tasks`);
  if (file === undefined || mounts.some(isBound))
    return { early: write(joinFiles), late: [], namespaceIsLate: false };
  const newNamespace = namespaces.created.has('cgroup');
  return {
    early: [...write(joinFiles.filter((each) => each !== file)), { op: 'openCgroup', file }],
    late: [{ op: 'enterCgroup', file, newNamespace }],
    namespaceIsLate: newNamespace,
  };
}

/** Whether an operation has to come after the cgroups are joined. */
function isBound(operation: Operation): boolean {
  const { op } = operation;
  if (op !== 'mount' && op !== 'openFileSystem') return false;
  return /^cgroup/.test(operation.type) || (op === 'mount' && operation.copyUp);
}

function write(files: readonly string[]): Operation[] {
  return files.length > 0 ? [{ op: 'joinCgroups', files }] : [];
}
