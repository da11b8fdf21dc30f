import type { LinuxCPU } from '../../spec/types.js';
import { isGiven, type Limit } from '../limits.js';

/** config-linux.md, "CPU", for the cpu controller of cgroup v1. Times in microseconds; a quota of -1 is no limit. */
export function cpuLimits(cpu: LinuxCPU): Limit[] {
  const limits: Limit[] = [];
  const add = (name: keyof LinuxCPU, file: string): void => {
    const value = cpu[name];
    if (typeof value !== 'string' && isGiven(value))
      limits.push({ name: `cpu.${name}`, file, value: String(value) });
  };
  // An idle group has the least weight, and the kernel refuses another one.
  if (Number(cpu.idle ?? 0) !== 1) add('shares', 'cpu.shares');
  add('period', 'cpu.cfs_period_us');
  add('quota', 'cpu.cfs_quota_us');
  add('realtimePeriod', 'cpu.rt_period_us');
  add('realtimeRuntime', 'cpu.rt_runtime_us');
  return [...limits, ...burstAndIdle(cpu, 'cpu.cfs_burst_us')];
}

/** Those two of which 0 is a real value; it's also what holds on kernels that don't have the files. */
export function burstAndIdle({ burst, idle }: LinuxCPU, burstFile: string): Limit[] {
  const limits: Limit[] = [];
  if (burst != null) {
    limits.push({
      name: 'cpu.burst',
      file: burstFile,
      value: String(burst),
      optional: Number(burst) === 0,
    });
  }
  if (idle != null) {
    limits.push({
      name: 'cpu.idle',
      file: 'cpu.idle',
      value: String(idle),
      optional: Number(idle) === 0,
    });
  }
  return limits;
}
