import { readdirSync } from 'node:fs';
import { readControl, unlessGone } from '../cgroup/control-files.js';
import type { HugetlbStats, Pressure, PressureData } from './stats.js';

/** A directory of a cgroup; undefined where this host has no such hierarchy. */
export type Directory = string | undefined;

/** A file's text, empty where there is none: not every kernel has each. */
export function textOf(directory: Directory, file: string): string {
  return (directory && unlessGone(() => readControl(directory, file))) ?? '';
}

/** The kernel's way to say that there is no limit: `max`, or the largest number of whole pages. */
const UNLIMITED = 2 ** 62;

/** A file with one number; `absent` where there is no such file. */
export function numberOf(directory: Directory, file: string, absent = 0): number {
  return toNumber(textOf(directory, file), absent);
}

function toNumber(text: string, absent: number): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  if (!/^-?[0-9]+$/.test(text)) return absent;
  const value = Number(text);
  return value > UNLIMITED ? Number.POSITIVE_INFINITY : value;
}

/** A file with a name and a number on each line. */
export function keyed(directory: Directory, file: string): Readonly<Record<string, number>> {
  const lines = textOf(directory, file).split('\n');
  const pairs = lines.flatMap((line) => {
    const [name, value] = line.split(' ');
    return name && value ? [[name, toNumber(value, 0)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** `0-2,7` as numbers. */
export function listOf(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = '', last = first] = range.split('-');
    if (first === '') return [];
    const count = Math.max(0, Number(last) - Number(first) + 1);
    return Array.from({ length: count }, (_, index) => Number(first) + index);
  });
}

/** `{ psi }` of a file like cpu.pressure; nothing where the kernel doesn't measure it. */
export function pressureOf(directory: Directory, file: string): { readonly psi?: Pressure } {
  const text = textOf(directory, file);
  const some = pressureLine(text, 'some');
  if (some === undefined) return {};
  return { psi: { some, full: pressureLine(text, 'full') ?? NO_PRESSURE } };
}

const NO_PRESSURE: PressureData = { avg10: 0, avg60: 0, avg300: 0, total: 0 };

function pressureLine(text: string, kind: string): PressureData | undefined {
  const line = new RegExp(`^${kind} (.*)$`, 'm').exec(text)?.[1];
  if (line === undefined) return undefined;
  const values = Object.fromEntries(
    line.split(' ').map((pair) => {
      const [name = '', value] = pair.split('=');
      return [name, Number(value)];
    }),
  );
  return { ...NO_PRESSURE, ...values };
}

/** Names of the files after those of the page's size: v1's and v2's differ. */
export interface HugetlbFiles {
  readonly usage: string;
  readonly max: string;
  readonly failures: (directory: string, prefix: string) => number;
}

/** What is used of huge pages, reservations included where the kernel counts them. */
export function hugetlbOf(
  directory: Directory,
  { usage, max, failures }: HugetlbFiles,
): Readonly<Record<string, HugetlbStats>> {
  if (directory === undefined) return {};
  const files = unlessGone(() => readdirSync(directory)) ?? [];
  const own = files.flatMap((file) => /^hugetlb\.([0-9]+[KMG]B)\./.exec(file)?.[1] ?? []);
  const entries = [...new Set(own)].map((size) => {
    const plain = `hugetlb.${size}`;
    const prefix = files.includes(`${plain}.rsvd.${usage}`) ? `${plain}.rsvd` : plain;
    const stats = {
      usage: numberOf(directory, `${prefix}.${usage}`),
      max: numberOf(directory, `${prefix}.${max}`),
      failcnt: failures(directory, prefix),
    };
    return [size, stats] as const;
  });
  return Object.fromEntries(entries);
}
