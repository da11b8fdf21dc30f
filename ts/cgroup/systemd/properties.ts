import { readFileSync } from 'node:fs';
import type { LinuxDeviceCgroup } from '../../spec/types.js';
import { ACCESS, ALL_ACCESS, type DeviceRule, resolveDeviceRules } from '../device-rules.js';
import type { Limit } from '../limits.js';
import { flag, list, number, type Property, pair, text, type Variant, whole } from './bus.js';

/** systemd's word for no limit: CGROUP_LIMIT_MAX, USEC_INFINITY. */
const INFINITY = 2n ** 64n - 1n;

/**
 * What every scope of a container has. `Delegate`: what is below it is the container's; `CollectMode`: it is forgotten
 * however it ends.
 */
export function scopeProperties(
  id: string,
  slice: string,
  pid: number,
  version: 'v1' | 'v2',
): Property[] {
  const counted = ['Memory', 'CPU', version === 'v2' ? 'IO' : 'BlockIO', 'Tasks'];
  return [
    ['Description', text(`tsrunc container ${id}`)],
    ['Slice', text(slice)],
    ['Delegate', flag(true)],
    ['PIDs', list('u', [whole('u', pid)])],
    ['DefaultDependencies', flag(false)],
    ['CollectMode', text('inactive-or-failed')],
    ...counted.map((name): Property => [`${name}Accounting`, flag(true)]),
  ];
}

const bytes = (value: string): Variant =>
  number(value === 'max' || value === '-1' ? INFINITY : BigInt(value));

/** The properties of files of either version of cgroups (systemd.resource-control(5)). */
const properties: Readonly<
  Record<string, readonly [name: string, of: (value: string) => Variant]>
> = {
  'memory.limit_in_bytes': ['MemoryLimit', bytes],
  'memory.max': ['MemoryMax', bytes],
  'memory.high': ['MemoryHigh', bytes],
  'memory.low': ['MemoryLow', bytes],
  'memory.min': ['MemoryMin', bytes],
  'memory.swap.max': ['MemorySwapMax', bytes],
  'cpu.shares': ['CPUShares', bytes],
  'cpu.weight': ['CPUWeight', bytes],
  'cpuset.cpus': ['AllowedCPUs', bitmap],
  'cpuset.mems': ['AllowedMemoryNodes', bitmap],
  'pids.max': ['TasksMax', bytes],
  'blkio.weight': ['BlockIOWeight', bytes],
  'blkio.bfq.weight': ['BlockIOWeight', bytes],
  'io.weight': ['IOWeight', (value) => bytes(value.replace(/^default /, ''))],
};

/** Those that systemd 252 has for v2 alone, whatever the file's name. */
const onlyV2 = new Set(['AllowedCPUs', 'AllowedMemoryNodes']);

/**
 * What systemd is to be told of limits that are about to be written: what it doesn't know it would take back. For the rest
 * it has no property.
 */
export function limitProperties(limits: readonly Limit[], version: 'v1' | 'v2'): Property[] {
  const known = limits.flatMap(({ file, value }): Property[] => {
    const [name, of] = properties[file] ?? [];
    if (name === undefined || of === undefined || (version === 'v1' && onlyV2.has(name))) return [];
    return [[name, of(value)]];
  });
  return [...known, ...quotaProperties(limits)];
}

/** Microseconds of CPU time a second, in whole percents: as such systemd keeps them, and less would be too little. */
function quotaProperties(limits: readonly Limit[]): Property[] {
  const told = (file: string): string | undefined =>
    limits.find((limit) => limit.file === file)?.value;
  const [max, window] = (told('cpu.max') ?? '').split(' ');
  const quota = told('cpu.cfs_quota_us') ?? (max || undefined);
  const period = told('cpu.cfs_period_us') ?? window;
  const found: Property[] = [];
  if (period !== undefined) found.push(['CPUQuotaPeriodUSec', number(BigInt(period))]);
  if (quota === undefined) return found;
  const isUnlimited = quota === 'max' || Number(quota) < 0;
  const share = Math.ceil((Number(quota) * 1_000_000) / Number(period ?? 100_000) / 10_000);
  found.push(['CPUQuotaPerSecUSec', number(isUnlimited ? INFINITY : share * 10_000)]);
  return found;
}

/** `0-2,7` as bytes of bits, the lowest first. */
function bitmap(value: string): Variant {
  const bits: number[] = [];
  for (const range of value.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let bit = first; bit <= last; bit++) {
      const at = bit >> 3;
      while (bits.length <= at) bits.push(0);
      bits[at] = (bits[at] ?? 0) | (1 << (bit & 7));
    }
  }
  return list(
    'y',
    bits.map((byte) => whole('y', byte)),
  );
}

/**
 * DevicePolicy and DeviceAllow for the rules of `linux.resources.devices`. systemd can only allow: rules that take
 * back what others before them allow, or that allow everything, are for the cgroup's own program or list alone.
 */
export function deviceProperties(devices: readonly LinuxDeviceCgroup[]): Property[] {
  const rules = resolveDeviceRules(devices);
  const from = rules.findLastIndex(
    ({ type, major, minor, access }) =>
      type === 'a' && major === undefined && minor === undefined && access === ALL_ACCESS,
  );
  const allowed = rules.slice(from + 1);
  if (rules[from]?.allow !== false || allowed.some(({ allow }) => !allow))
    return [
      ['DevicePolicy', text('auto')],
      ['DeviceAllow', list('(ss)', [])],
    ];
  const entries = allowed.flatMap(deviceEntries);
  return [
    ['DevicePolicy', text('strict')],
    ['DeviceAllow', list('(ss)', entries)],
  ];
}

function deviceEntries({ type, major, minor, access }: DeviceRule): Variant[] {
  const letters = (['r', 'w', 'm'] as const).filter((letter) => access & ACCESS[letter]).join('');
  const kinds = type === 'a' ? (['c', 'b'] as const) : [type];
  return kinds.flatMap((kind) => {
    const word = kind === 'c' ? 'char' : 'block';
    if (major === undefined) return [pair(`${word}-*`, letters)];
    if (minor !== undefined) return [pair(`/dev/${word}/${major}:${minor}`, letters)];
    // Without a driver of that number there are no such devices.
    return driverNames(kind, major).map((name) => pair(`${word}-${name}`, letters));
  });
}

/** The names that /proc/devices has for a major number. */
function driverNames(kind: 'c' | 'b', major: number): string[] {
  const [characters = '', blocks = ''] = readFileSync('/proc/devices', 'utf8').split('\n\n');
  const lines = (kind === 'c' ? characters : blocks).matchAll(/^ *(\d+) (.+)$/gm);
  return [...lines].flatMap(([, own, name = '']) => (Number(own) === major ? [name] : []));
}
