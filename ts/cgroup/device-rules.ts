import { readFileSync } from 'node:fs';
import { TsruncError } from '../errors.js';
import type { LinuxDeviceCgroup } from '../spec/types.js';

/** What a process does with a device, as bits: those of the kernel's BPF_DEVCG_ACC_*. */
export const ACCESS = { m: 1, r: 2, w: 4 } as const;
export const ALL_ACCESS = 7;

/** A rule about devices. `undefined` is any number. */
export interface DeviceRule {
  readonly allow: boolean;
  /** `a`: character and block devices. */
  readonly type: 'a' | 'c' | 'b';
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Bits of ACCESS. */
  readonly access: number;
}

type Defaults = readonly (readonly [
  type: 'c' | 'b',
  major: number | undefined,
  minor: number | undefined,
  access: number,
])[];

/**
 * What every container may do whatever its rules say: use the devices that config-linux.md, "Default Devices",
 * puts into it, and make device nodes, which is of no use without the right to read or write them. (CAP_MKNOD
 * decides on the making, too.)
 */
const defaults: Defaults = [
  ['c', undefined, undefined, ACCESS.m],
  ['b', undefined, undefined, ACCESS.m],
  ['c', 1, 3, ALL_ACCESS], // null
  ['c', 1, 5, ALL_ACCESS], // zero
  ['c', 1, 7, ALL_ACCESS], // full
  ['c', 1, 8, ALL_ACCESS], // random
  ['c', 1, 9, ALL_ACCESS], // urandom
  ['c', 5, 0, ALL_ACCESS], // tty
  ['c', 5, 1, ALL_ACCESS], // console
  ['c', 5, 2, ALL_ACCESS], // ptmx
  ['c', 136, undefined, ALL_ACCESS], // pts/*
];

/**
 * The rules of `linux.resources.devices` (config-linux.md, "Allowed Device list") and after them those for the
 * default devices, in order: for each kind of access the last rule that matches decides, and where none does
 * the parent cgroup alone. What a rule leaves out is meant to be all.
 */
export function resolveDeviceRules(rules: readonly LinuxDeviceCgroup[]): DeviceRule[] {
  return [
    ...rules.map(
      ({ allow, type, major, minor, access }, index): DeviceRule => ({
        allow,
        type: type === 'c' || type === 'b' ? type : 'a',
        major: deviceNumber(major, `[${index}].major`),
        minor: deviceNumber(minor, `[${index}].minor`),
        access: parseAccess(access || 'rwm'),
      }),
    ),
    ...defaults.map(([type, major, minor, access]) => ({
      allow: true,
      type,
      major,
      minor,
      access,
    })),
  ];
}

function parseAccess(letters: string): number {
  return (['m', 'r', 'w'] as const).reduce(
    (bits, letter) => bits | (letters.includes(letter) ? ACCESS[letter] : 0),
    0,
  );
}

/** -1 for any number isn't in the specification, but engines write it. */
function deviceNumber(value: number | bigint | null | undefined, name: string): number | undefined {
  if (value == null || Number(value) < 0) return undefined;
  if (Number(value) <= 0xffff_ffff) return Number(value);
  throw new TsruncError(
    `linux.resources.devices${name} is ${value}, but the numbers of devices have at most 32 bits`,
    {
      code: 'INVALID_CONFIG',
      stage: 'config',
    },
  );
}

/**
 * Whether the kernel lets the caller rule over devices. Root of a user namespace can't, and has no need to: no
 * device node that such a one makes works.
 */
export function mayRuleDevices(): boolean {
  if (process.geteuid?.() !== 0) return false;
  // The identity map of all 32-bit numbers: the initial user namespace, or one that is as good.
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
}
