import type { LinuxResources } from '../../spec/types.js';
import type { CgroupLocation } from '../cgroup.js';
import { hugetlbLimits } from '../hugetlb.js';
import { type Files, filesOf, type Plan, unsupported, type Writes } from '../limits.js';
import { rdmaLimits } from '../rdma.js';
import { offersController } from '../v2/controllers.js';
import { planController, planUnified } from '../v2/plan.js';
import { blkioLimits } from './blkio.js';
import { cpuLimits } from './cpu.js';
import { cpusetLimits } from './cpuset.js';
import { memoryLimits } from './memory.js';
import { netClsLimits, netPrioLimits } from './network.js';
import { pidsLimits } from './pids.js';

/** Of each controller of cgroup v1: the property of `linux.resources`, and how it's translated. */
const plans: Readonly<Record<string, readonly [section: keyof LinuxResources, plan: Plan]>> = {
  memory: ['memory', ({ memory }, files) => (memory ? memoryLimits(memory, files) : [])],
  cpu: ['cpu', ({ cpu }) => (cpu ? cpuLimits(cpu) : [])],
  cpuset: ['cpu', ({ cpu }) => (cpu ? cpusetLimits(cpu) : [])],
  pids: ['pids', ({ pids }) => (pids ? pidsLimits(pids) : [])],
  blkio: ['blockIO', ({ blockIO }, files) => (blockIO ? blkioLimits(blockIO, files) : [])],
  hugetlb: [
    'hugepageLimits',
    ({ hugepageLimits }) => hugetlbLimits(hugepageLimits ?? [], 'limit_in_bytes'),
  ],
  net_cls: ['network', ({ network }) => (network ? netClsLimits(network) : [])],
  net_prio: ['network', ({ network }) => (network ? netPrioLimits(network) : [])],
  rdma: ['rdma', ({ rdma }) => rdmaLimits(rdma ?? {})],
};

/** Only to find out whether anything is asked of a controller. */
const noFiles: Files = { read: () => '', has: () => false };

/**
 * What is to be written to a container's cgroups for `resources`. On a hybrid host the cgroup2 beside the v1
 * hierarchies may have controllers, too, and what is `unified` goes there.
 *
 * @throws TsruncError UNSUPPORTED for a controller that isn't to be had
 */
export function planV1(location: CgroupLocation, resources: LinuxResources): Writes[] {
  const unified = location.directories['unified'];
  const all = Object.entries(plans).map(([controller, [section, plan]]): Writes => {
    if (resources[section] == null) return { directory: '', limits: [] };
    const directory = hierarchyWith(location, controller);
    if (directory !== undefined) return { directory, limits: plan(resources, filesOf(directory)) };
    const [first] = plan(resources, noFiles);
    if (first === undefined) return { directory: '', limits: [] };
    const name = placeInUnified(location, controller);
    if (unified !== undefined && name !== undefined)
      return planController(unified, name, resources);
    throw withoutHierarchy(first.name, controller);
  });
  return unified === undefined
    ? [...all, ...refuseUnified(resources)]
    : [...all, planUnified(unified, resources)];
}

/**
 * Refuses what the host can't do, as far as that's known while there is no cgroup.
 *
 * @throws TsruncError UNSUPPORTED as of `planV1`
 */
export function refuseV1(location: CgroupLocation, resources: LinuxResources): void {
  for (const [controller, [section, plan]] of Object.entries(plans)) {
    if (resources[section] == null || hierarchyWith(location, controller) !== undefined) continue;
    const [first] = plan(resources, noFiles);
    if (first !== undefined && placeInUnified(location, controller) === undefined)
      throw withoutHierarchy(first.name, controller);
  }
  if (location.directories['unified'] === undefined) refuseUnified(resources);
}

/** The name of a v1 controller in the cgroup2 beside, where that has it. */
function placeInUnified({ directories }: CgroupLocation, controller: string): string | undefined {
  const name = controller === 'blkio' ? 'io' : controller;
  const { unified } = directories;
  return unified !== undefined && offersController(unified, name) ? name : undefined;
}

/** The directory in the hierarchy with a controller. Its name has all of them: `cpu,cpuacct`. */
export function hierarchyWith(
  { directories }: CgroupLocation,
  controller: string,
): string | undefined {
  return Object.entries(directories).find(([name]) => name.split(',').includes(controller))?.[1];
}

export function withoutHierarchy(limit: string, controller: string): Error {
  return unsupported(
    limit,
    `no cgroup v1 hierarchy with the ${controller} controller is mounted on /sys/fs/cgroup: mount one, or remove it from the configuration`,
  );
}

function refuseUnified({ unified }: LinuxResources): [] {
  const [file] = Object.keys(unified ?? {});
  if (file === undefined) return [];
  throw unsupported(
    `unified[${JSON.stringify(file)}]`,
    'this host has cgroup v1 only, and it is a file of cgroup v2: boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or use the other properties of linux.resources',
  );
}
