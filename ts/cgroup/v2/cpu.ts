import type { LinuxCPU } from '../../spec/types.js';
import { isGiven, type Limit, unsupported } from '../limits.js';
import { burstAndIdle } from '../v1/cpu.js';

/**
 * config-linux.md, "CPU", for the cpu controller of cgroup v2. Times in microseconds; a quota of -1 is no limit.
 *
 * @param read reads a file of the cgroup
 * @throws TsruncError UNSUPPORTED for realtime limits
 */
export function cpuLimits(cpu: LinuxCPU, read: (file: string) => string): Limit[] {
  for (const name of ['realtimePeriod', 'realtimeRuntime'] as const) {
    if (!isGiven(cpu[name])) continue;
    throw unsupported(
      `cpu.${name}`,
      'cgroup v2 has no limit on realtime scheduling: remove it from the configuration',
    );
  }
  const limits: Limit[] = [];
  const { shares, quota, period } = cpu;
  // An idle group has the least weight, and the kernel refuses another one.
  if (isGiven(shares) && Number(cpu.idle ?? 0) !== 1) {
    limits.push({
      name: 'cpu.shares',
      file: 'cpu.weight',
      value: String(sharesToWeight(Number(shares))),
    });
  }
  if (isGiven(quota) || isGiven(period)) {
    // One file has both, the quota first. What is not given stays as it is.
    const max = isGiven(quota)
      ? Number(quota) < 0
        ? 'max'
        : String(quota)
      : read('cpu.max').split(' ', 1)[0];
    const name = isGiven(quota) ? 'cpu.quota' : 'cpu.period';
    limits.push({ name, file: 'cpu.max', value: isGiven(period) ? `${max} ${period}` : `${max}` });
  }
  return [...limits, ...burstAndIdle(cpu, 'cpu.max.burst')];
}

/**
 * Shares (2 to 262144, default 1024) as a weight (1 to 10000, default 100). The exponent is the quadratic function
 * of log2(shares) through these three points. runc since 1.3.2 and crun since 1.23 have the same; their earlier,
 * linear formula turned the default into 39.
 */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log ** 2 + 125 * log) / 612 - 7 / 34));
}
