import type { LinuxMemory } from '../../spec/types.js';
import { type Files, isGiven, type Limit } from '../limits.js';

/**
 * config-linux.md, "Memory", for the memory controller of cgroup v1. Bytes; -1 is no limit. `checkBeforeUpdate` is what
 * this kernel interface does anyway.
 */
export function memoryLimits(memory: LinuxMemory, files: Files): Limit[] {
  const limits: Limit[] = [];
  const { limit, reservation, swap, swappiness } = memory;
  if (isGiven(limit)) {
    limits.push({ name: 'memory.limit', file: 'memory.limit_in_bytes', value: String(limit) });
  }
  // The kernel counts memory and swap together, as the specification does.
  const file = 'memory.memsw.limit_in_bytes';
  if (isGiven(swap)) {
    limits.push({ name: 'memory.swap', file, value: String(swap), optional: Number(swap) === -1 });
  } else if (isGiven(limit) && Number(limit) === -1) {
    // The sum can't be limited below memory itself, so no limit on memory means none on the sum.
    limits.push({ name: 'memory.swap', file, value: '-1', optional: true });
  }
  if (isGiven(reservation)) {
    limits.push({
      name: 'memory.reservation',
      file: 'memory.soft_limit_in_bytes',
      value: String(reservation),
    });
  }
  if (swappiness != null) {
    limits.push({
      name: 'memory.swappiness',
      file: 'memory.swappiness',
      value: String(swappiness),
    });
  }
  return [...limits, ...kernelLimits(memory, files), ...switches(memory, files)];
}

/** What the kernel shows for no limit: the largest number of whole pages. */
const UNLIMITED = 2 ** 62;

/** Both are deprecated, and -1, which engines write, is what holds on a kernel without them. */
function kernelLimits({ kernel, kernelTCP }: LinuxMemory, files: Files): Limit[] {
  return (
    [
      ['memory.kernel', 'memory.kmem.limit_in_bytes', kernel],
      ['memory.kernelTCP', 'memory.kmem.tcp.limit_in_bytes', kernelTCP],
    ] as const
  ).flatMap(([name, file, value]) => {
    if (!isGiven(value)) return [];
    if (Number(value) < 0)
      return isLimited(file, files) ? [{ name, file, value: String(value) }] : [];
    // Linux since 6.7 takes a limit on kernel memory and forgets it.
    const holds = (content: string): boolean =>
      Number(value) >= UNLIMITED || Number(content) < UNLIMITED;
    return [{ name, file, value: String(value), holds }];
  });
}

function isLimited(file: string, { has, read }: Files): boolean {
  return has(file) && Number(read(file)) < UNLIMITED;
}

/**
 * What is on or off. `disableOOMKiller: false` matters where the parent has it on. There has been no accounting but the
 * hierarchical since Linux 5.11, and before, too, containers without it couldn't be relied on: `false` asks for nothing.
 */
function switches({ disableOOMKiller, useHierarchy }: LinuxMemory, { has, read }: Files): Limit[] {
  const limits: Limit[] = [];
  const oom = { name: 'memory.disableOOMKiller', file: 'memory.oom_control' };
  if (disableOOMKiller) limits.push({ ...oom, value: '1' });
  else if (
    disableOOMKiller === false &&
    has(oom.file) &&
    read(oom.file).includes('oom_kill_disable 1')
  )
    limits.push({ ...oom, value: '0' });
  const file = 'memory.use_hierarchy';
  if (useHierarchy && has(file) && read(file) !== '1')
    limits.push({ name: 'memory.useHierarchy', file, value: '1' });
  return limits;
}
