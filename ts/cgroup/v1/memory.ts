import type { LinuxMemory } from '../../spec/types.js';
import { isGiven, type Limit } from '../limits.js';

/** config-linux.md, "Memory", for the memory controller of cgroup v1. Bytes; -1 is no limit. */
export function memoryLimits(memory: LinuxMemory): Limit[] {
  const limits: Limit[] = [];
  const { limit, reservation, swap } = memory;
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
  return limits;
}
