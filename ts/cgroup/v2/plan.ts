import type { LinuxResources } from '../../spec/types.js';
import { hugetlbLimits } from '../hugetlb.js';
import { type Files, filesOf, type Plan, unsupported, type Writes } from '../limits.js';
import { rdmaLimits } from '../rdma.js';
import { cpusetLimits } from '../v1/cpuset.js';
import { netClsLimits, netPrioLimits } from '../v1/network.js';
import { pidsLimits } from '../v1/pids.js';
import { offersController, requireController } from './controllers.js';
import { cpuLimits } from './cpu.js';
import { ioLimits } from './io.js';
import { memoryLimits } from './memory.js';
import { requireControllers, unifiedLimits } from './unified.js';

/** Of each controller of cgroup v2: the property of `linux.resources`, and how it's translated. */
const plans: Readonly<Record<string, readonly [section: keyof LinuxResources, plan: Plan]>> = {
  memory: ['memory', ({ memory }, { read }) => (memory ? memoryLimits(memory, read) : [])],
  cpu: ['cpu', ({ cpu }, { read }) => (cpu ? cpuLimits(cpu, read) : [])],
  cpuset: ['cpu', ({ cpu }) => (cpu ? cpusetLimits(cpu) : [])],
  pids: ['pids', ({ pids }) => (pids ? pidsLimits(pids) : [])],
  io: ['blockIO', ({ blockIO }, files) => (blockIO ? ioLimits(blockIO, files) : [])],
  hugetlb: ['hugepageLimits', ({ hugepageLimits }) => hugetlbLimits(hugepageLimits ?? [], 'max')],
  rdma: ['rdma', ({ rdma }) => rdmaLimits(rdma ?? {})],
};

/**
 * What is to be written to a cgroup v2 for `resources`; controllers that this needs are enabled.
 *
 * @throws TsruncError UNSUPPORTED for a controller that isn't to be had, or a limit that cgroup v2 doesn't have
 */
export function planV2(directory: string, resources: LinuxResources): Writes[] {
  refuseNetwork(resources);
  return [
    ...Object.keys(plans).map((controller) => planController(directory, controller, resources)),
    planUnified(directory, resources),
  ];
}

/** The same for one controller. */
export function planController(
  directory: string,
  controller: string,
  resources: LinuxResources,
): Writes {
  const [section, plan] = plans[controller] ?? [];
  if (section === undefined || plan === undefined || resources[section] == null)
    return { directory, limits: [] };
  const files = filesOf(directory);
  const read = (file: string): string => {
    requireController(directory, controller, section);
    return files.read(file);
  };
  const limits = plan(resources, { ...files, read });
  const [first] = limits;
  if (first !== undefined) requireController(directory, controller, first.name);
  return { directory, limits };
}

/** What limits are worked out from in a cgroup that isn't there yet. */
const fresh: Readonly<Record<string, string>> = { 'memory.max': 'max', 'cpu.max': 'max 100000' };
const freshFiles: Files = { read: (file) => fresh[file] ?? '0', has: () => false };

/**
 * Refuses what the host can't do, as far as that's known while there is no cgroup.
 *
 * @throws TsruncError UNSUPPORTED as of `planV2`
 */
export function refuseV2(directory: string, resources: LinuxResources): void {
  refuseNetwork(resources);
  for (const [controller, [, plan]] of Object.entries(plans)) {
    const [first] = plan(resources, freshFiles);
    if (first !== undefined && !offersController(directory, controller))
      requireController(directory, controller, first.name);
  }
}

/** The same for `unified`, which comes last: it says more exactly what is wanted. */
export function planUnified(directory: string, { unified }: LinuxResources): Writes {
  const limits = unifiedLimits(unified ?? {});
  requireControllers(directory, limits, filesOf(directory));
  return { directory, limits };
}

function refuseNetwork({ network }: LinuxResources): void {
  const [first] = network ? [...netClsLimits(network), ...netPrioLimits(network)] : [];
  if (first === undefined) return;
  throw unsupported(
    first.name,
    'cgroup v2 has neither the net_cls nor the net_prio controller: remove it from the configuration, and match on the cgroup with nft(8) "socket cgroupv2" or an eBPF program',
  );
}
