import type { LinuxPids } from '../../spec/types.js';
import type { Limit } from '../limits.js';

/**
 * config-linux.md, "PIDs", for both versions of cgroups. Since 1.3 the specification takes 0 for a value like
 * any other: no process may be added by fork or clone. Only negative numbers mean no limit.
 */
export function pidsLimits({ limit }: LinuxPids): Limit[] {
  if (limit == null) return [];
  return [
    { name: 'pids.limit', file: 'pids.max', value: Number(limit) < 0 ? 'max' : String(limit) },
  ];
}
