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

export function awaitCgroup({ awaitCgroup: maker }: PlanRequest): Operation[] {
  return maker === undefined ? [] : [{ op: 'awaitCgroup', announced: maker === 'systemd' }];
}

/** Of a larger memory.limit, in bytes, what the kernel keeps for namespaces and mounts isn't a tenth: some 200 KiB. */
const SMALL = 2 * 1024 * 1024;

/**
 * All cgroups are joined early, but that of v1's memory controller where the limit is small: what the kernel keeps for
 * namespaces and mounts would leave no room for the program. As with runc and crun it is the caller's then.
 */
export function joinCgroups(
  request: PlanRequest,
  namespaces: Namespaces,
  mounts: readonly Operation[],
): CgroupJoin {
  const { joinFiles } = request;
  const file = lateFile(request, namespaces, mounts);
  if (file === undefined) return { early: write(joinFiles), late: [], namespaceIsLate: false };
  const newNamespace = namespaces.created.has('cgroup');
  return {
    early: [...write(joinFiles.filter((each) => each !== file)), { op: 'openCgroup', file }],
    late: [{ op: 'enterCgroup', file, newNamespace }],
    namespaceIsLate: newNamespace,
  };
}

/** The file of the cgroup that can be joined late, if there is reason to. */
function lateFile(
  { spec, cgroup, joinFiles }: PlanRequest,
  namespaces: Namespaces,
  mounts: readonly Operation[],
): string | undefined {
  const limit = Number(spec.linux?.resources?.memory?.limit ?? 0);
  if (limit <= 0 || limit >= SMALL) return undefined;
  // The kernel lets nobody but root move a process of another user, which the container's root is by then.
  if (namespaces.has('user')) return undefined;
  // What the others decide of, devices or who is to be killed, holds from the start.
  const { memory, freezer, unified } = cgroup?.directories ?? {};
  if (memory === undefined || (freezer ?? unified) === undefined) return undefined;
  if (mounts.some(isBound)) return undefined;
  return joinFiles.find((each) => each === `${memory}/tasks`);
}

/**
 * Whether an operation has to come when all is joined: it fills a tmpfs with as much as the image's author likes; it makes
 * a file system of cgroups (cpuset is another name of one), or may change one, which is that of the cgroup namespace.
 */
function isBound(operation: Operation): boolean {
  if (operation.op === 'remount') return operation.options.length > 0;
  if (operation.op !== 'mount' && operation.op !== 'openFileSystem') return false;
  if (/^(cgroup2?|cpuset)$/.test(operation.type)) return true;
  return operation.op === 'mount' && operation.copyUp;
}

function write(files: readonly string[]): Operation[] {
  return files.length > 0 ? [{ op: 'joinCgroups', files }] : [];
}
