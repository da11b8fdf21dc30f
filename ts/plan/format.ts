import { capabilities } from '../spec/capabilities.js';
import {
  CLONE_FLAGS,
  MOUNT_ATTR,
  MS_I_VERSION,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from './kernel.js';
import type { Operation, Program } from './operations.js';

const PROPAGATIONS = {
  shared: MS_SHARED,
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  unbindable: MS_UNBINDABLE,
  recursive: MS_REC,
};
const CAPABILITIES = Object.fromEntries(
  capabilities.map((name, number) => [name, 1n << BigInt(number)]),
);
const { atime: _mask, ...ATTRIBUTES } = MOUNT_ATTR;

/** A Program for people: one operation a line, under the phase that it belongs to. */
export function formatProgram(program: Program): string {
  const phases = [
    ["stage (in the runtime's namespaces)", program.stage],
    ["create (in the container's namespaces)", program.create],
    ['start', program.start],
  ] as const;
  return phases
    .map(([title, operations]) => `${title}\n${operations.map(formatOperation).join('')}`)
    .join('\n');
}

function formatOperation({ op, ...values }: Operation): string {
  const words = Object.entries(values).flatMap(([name, value]) => formatArgument(op, name, value));
  return `  ${[op, ...words].join(' ')}\n`;
}

/** What is empty, zero or false is left out: it asks for nothing. */
function formatArgument(op: string, name: string, value: unknown): string[] {
  if (value === false && name !== 'value') return [];
  if (value === '' || value === 0n) return [];
  if (value === 0 && noneAtZero.has(name)) return [];
  if (Array.isArray(value)) {
    return value.length === 0
      ? []
      : [`${name}=[${value.map((item) => formatValue(op, name, item)).join(', ')}]`];
  }
  return [`${name}=${formatValue(op, name, value)}`];
}

/** Numbers of which 0 means that there is none; for others it is a value like any other. */
const noneAtZero = new Set(['slot', 'userNamespace', 'flags']);

/** Numbers whose bits have names. */
const flagNames: Readonly<Record<string, Readonly<Record<string, number | bigint>>>> = {
  'clone.flags': CLONE_FLAGS,
  'mount.flags': { iversion: MS_I_VERSION },
  'joinNamespaces.types': CLONE_FLAGS,
  'joinProcess.flags': CLONE_FLAGS,
  'joinNamespaces.foreign': CLONE_FLAGS,
  flags: PROPAGATIONS,
  propagation: PROPAGATIONS,
  set: ATTRIBUTES,
  clear: ATTRIBUTES,
  recursiveSet: ATTRIBUTES,
  recursiveClear: ATTRIBUTES,
  keep: CAPABILITIES,
  effective: CAPABILITIES,
  permitted: CAPABILITIES,
  inheritable: CAPABILITIES,
  ambient: CAPABILITIES,
};

/** The names of the bits, and what has no name as a number. */
function formatFlags(
  value: number | bigint,
  names: Readonly<Record<string, number | bigint>>,
): string {
  let rest = BigInt(value);
  const words: string[] = [];
  for (const [name, bit] of Object.entries(names)) {
    if ((rest & BigInt(bit)) === 0n) continue;
    words.push(name);
    rest &= ~BigInt(bit);
  }
  if (rest !== 0n || words.length === 0) words.push(`0x${rest.toString(16)}`);
  return words.join('|');
}

function formatValue(op: string, name: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') {
    const names =
      op === 'loadSeccomp' ? undefined : (flagNames[`${op}.${name}`] ?? flagNames[name]);
    if (names !== undefined) return formatFlags(value, names);
    if (name === 'mask' || (name === 'mode' && op !== 'setMemoryPolicy'))
      return `0${value.toString(8)}`;
  }
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return `{${Object.keys(value).join(', ')}}`;
  return String(value);
}

/** A Program as JSON: 64-bit numbers as strings of digits. */
export function programToJson(program: Program): string {
  return JSON.stringify(
    program,
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  );
}
