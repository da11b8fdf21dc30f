import { dirname } from 'node:path';
import type { LinuxCPU } from '../../spec/types.js';
import { readControl, writeControl } from '../control-files.js';
import type { Limit } from '../limits.js';

/** config-linux.md, "CPU": `cpus` and `mems`, for both versions of cgroups. */
export function cpusetLimits({ cpus, mems }: LinuxCPU): Limit[] {
  const limits: Limit[] = [];
  if (cpus) limits.push({ name: 'cpu.cpus', file: 'cpuset.cpus', value: cpus });
  if (mems) limits.push({ name: 'cpu.mems', file: 'cpuset.mems', value: mems });
  return limits;
}

/** A new v1 cpuset has no CPUs and no memory nodes, and no process can join such a one: it gets its parent's. */
export function fillCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) inherit(directory, file);
}

/** Others may have made parents and left them empty. The topmost cpuset never is. */
function inherit(directory: string, file: string): string {
  const own = readControl(directory, file);
  if (own !== '') return own;
  const value = inherit(dirname(directory), file);
  writeControl(directory, file, value);
  return value;
}
