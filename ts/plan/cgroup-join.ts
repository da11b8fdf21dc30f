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
 * leave no room under a small limit, and the caller has asked for it. A tmpfs that is filled from the image is another
 * matter: how much that takes, the image's author decides.
 */
export function joinCgroups(
  { spec, cgroup, joinFiles }: PlanRequest,
  namespaces: Namespaces,
): CgroupJoin {
  const copies = spec.mounts?.some(({ options }) => options?.includes('tmpcopyup')) ?? false;
  const hierarchies = Object.entries(cgroup?.directories ?? {});
  const memory = hierarchies.find(([name]) => name.split(',').includes('memory'))?.[1];
  const file = joinFiles.find((each) => each === `${memory}/tasks`);
  if (copies || file === undefined)
    return { early: write(joinFiles), late: [], namespaceIsLate: false };
  const newNamespace = namespaces.created.has('cgroup');
  return {
    early: [...write(joinFiles.filter((each) => each !== file)), { op: 'openCgroup', file }],
    late: [{ op: 'enterCgroup', file, newNamespace }],
    namespaceIsLate: newNamespace,
  };
}

function write(files: readonly string[]): Operation[] {
  return files.length > 0 ? [{ op: 'joinCgroups', files }] : [];
}
