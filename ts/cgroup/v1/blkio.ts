import type { LinuxBlockIO } from '../../spec/types.js';
import { type Files, isGiven, type Limit } from '../limits.js';

const throttles = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device'],
] as const;

/**
 * config-linux.md, "Block IO", for the blkio controller of cgroup v1. Weights were those of the CFQ scheduler;
 * since Linux 5.0 it's BFQ that has them, with no leaf weights. A rate of 0 takes a limit away.
 */
export function blkioLimits(blockIO: LinuxBlockIO, { has }: Files): Limit[] {
  const limits: Limit[] = [];
  const add = (name: string, file: string, value: unknown): void => {
    limits.push({ name: `blockIO.${name}`, file, value: String(value) });
  };
  const { weight, leafWeight, weightDevice } = blockIO;
  const prefix = has('blkio.weight') ? 'blkio' : 'blkio.bfq';
  if (isGiven(weight)) add('weight', `${prefix}.weight`, weight);
  if (isGiven(leafWeight)) add('leafWeight', 'blkio.leaf_weight', leafWeight);
  for (const [index, device] of (weightDevice ?? []).entries()) {
    const numbers = `${device.major}:${device.minor}`;
    const name = `weightDevice[${index}]`;
    if (isGiven(device.weight))
      add(`${name}.weight`, `${prefix}.weight_device`, `${numbers} ${device.weight}`);
    if (isGiven(device.leafWeight))
      add(`${name}.leafWeight`, 'blkio.leaf_weight_device', `${numbers} ${device.leafWeight}`);
  }
  for (const [name, file] of throttles) {
    for (const [index, { major, minor, rate }] of (blockIO[name] ?? []).entries())
      add(`${name}[${index}]`, file, `${major}:${minor} ${rate}`);
  }
  return limits;
}
