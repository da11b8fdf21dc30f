import { TsruncError } from '../../errors.js';
import type { LinuxBlockIO } from '../../spec/types.js';
import { type Files, isGiven, type Limit, unsupported } from '../limits.js';

const throttles = [
  ['throttleReadBpsDevice', 'rbps'],
  ['throttleWriteBpsDevice', 'wbps'],
  ['throttleReadIOPSDevice', 'riops'],
  ['throttleWriteIOPSDevice', 'wiops'],
] as const;

/**
 * config-linux.md, "Block IO", for the io controller of cgroup v2: the BFQ scheduler's weights where the kernel has
 * it, else those of io.cost. A rate of 0 takes a limit away, as on v1.
 *
 * @throws TsruncError UNSUPPORTED for a leaf weight; INVALID_CONFIG for a weight that can't be converted
 */
export function ioLimits(blockIO: LinuxBlockIO, { has }: Files): Limit[] {
  const limits: Limit[] = [];
  const add = (name: string, file: string, value: string): void => {
    limits.push({ name: `blockIO.${name}`, file, value });
  };
  const { weight, leafWeight, weightDevice } = blockIO;
  if (isGiven(leafWeight)) throw withoutLeaves('leafWeight');
  const bfq = has('io.bfq.weight') || !has('io.weight');
  const file = bfq ? 'io.bfq.weight' : 'io.weight';
  const convert = (name: string, value: number): number =>
    bfq ? value : blkioToIoWeight(name, value);
  if (isGiven(weight)) add('weight', file, `default ${convert('weight', weight)}`);
  for (const [index, device] of (weightDevice ?? []).entries()) {
    const name = `weightDevice[${index}]`;
    if (isGiven(device.leafWeight)) throw withoutLeaves(`${name}.leafWeight`);
    if (!isGiven(device.weight)) continue;
    const value = convert(`${name}.weight`, device.weight);
    add(`${name}.weight`, file, `${device.major}:${device.minor} ${value}`);
  }
  for (const [name, key] of throttles) {
    for (const [index, { major, minor, rate }] of (blockIO[name] ?? []).entries()) {
      const value = isGiven(rate) ? String(rate) : 'max';
      add(`${name}[${index}]`, 'io.max', `${major}:${minor} ${key}=${value}`);
    }
  }
  return limits;
}

function withoutLeaves(name: string): TsruncError {
  return unsupported(
    `blockIO.${name}`,
    'cgroup v2 has no leaf weights, since only its leaves have processes: remove it from the configuration',
  );
}

/** 10 to 1000, as on cgroup v1, to 1 to 10000. The other runtimes convert so, too. */
export function blkioToIoWeight(name: string, weight: number): number {
  if (weight >= 10 && weight <= 1000) return 1 + Math.floor(((weight - 10) * 9999) / 990);
  throw new TsruncError(
    `config.json: linux.resources.blockIO.${name} is ${weight}: without the bfq I/O scheduler it must be between 10 and 1000`,
    { code: 'INVALID_CONFIG', stage: 'cgroup' },
  );
}
