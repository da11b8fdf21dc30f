import type { LinuxResources, Spec } from './types.js';
import type { Violation } from './violation.js';

/**
 * What is legal and what this version doesn't do: it is refused, never ignored. Values that ask for nothing
 * (0, false, empty: Docker writes many) are no reason.
 */
export function findUnsupported(spec: Spec): Violation[] {
  const asked = [...ofPlatforms(spec), ...ofResources(spec.linux?.resources ?? {})];
  return asked.map((path) => ({ path, message: 'is not supported in this version of tsrunc' }));
}

/** The names of those properties that ask for something. */
function asking(prefix: string, properties: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(properties)
    .filter(([, value]) => asksForSomething(value))
    .map(([name]) => `${prefix}.${name}`);
}

/** Whether a part of a configuration wants anything: 0, false and what is empty don't. */
export function asksForSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null)
    return Object.values(value).some(asksForSomething);
  return Boolean(value);
}

/** Another platform's part is ignored next to Linux's; alone it says that the container isn't one of Linux. */
function ofPlatforms(spec: Spec): string[] {
  if (spec.linux !== undefined) return [];
  const properties: Readonly<Record<string, unknown>> = { ...spec };
  return ['freebsd', 'solaris', 'vm', 'windows', 'zos'].filter((name) => properties[name] != null);
}

function ofResources({
  blockIO,
  hugepageLimits,
  network,
  rdma,
  unified,
  memory = {},
}: LinuxResources): string[] {
  const { swappiness, kernel, kernelTCP, disableOOMKiller } = memory;
  const paths = asking('linux.resources', { blockIO, hugepageLimits, network, rdma, unified });
  // kernel and kernelTCP are deprecated: -1, no limit, is what is so anyway. Swappiness 0 does ask.
  if ((kernel ?? 0) > 0) paths.push('linux.resources.memory.kernel');
  if ((kernelTCP ?? 0) > 0) paths.push('linux.resources.memory.kernelTCP');
  if (swappiness !== undefined) paths.push('linux.resources.memory.swappiness');
  if (disableOOMKiller) paths.push('linux.resources.memory.disableOOMKiller');
  return paths;
}
