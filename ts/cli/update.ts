import { readFileSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import { parseExactJson } from '../spec/json.js';
import type { LinuxResources } from '../spec/types.js';
import type { Action, CommandFlags } from './commands.js';
import { openRuntime } from './open-runtime.js';

type Flags = CommandFlags<'update'>;

export const action: Action<'update'> = async (call) => {
  const { flags } = call;
  const [id] = call.operands;
  const file = flags.resources === undefined ? {} : readResources(flags.resources);
  const limits = fromFlags(flags);
  const schemata = {
    ...given('l3CacheSchema', flags['l3-cache-schema']),
    ...given('memBwSchema', flags['mem-bw-schema']),
  };
  if ([limits, schemata].every((part) => Object.keys(part).length === 0) && !flags.resources) {
    throw invalid('there is nothing to change: give a limit, or --resources');
  }
  await openRuntime(call).update(id, merge(file, limits), schemata);
};

/** What flags say goes over what the file says, limit by limit. */
function merge(file: LinuxResources, flags: LinuxResources): LinuxResources {
  const sections = [...new Set([...Object.keys(file), ...Object.keys(flags)])];
  const of = (all: LinuxResources, name: string): object =>
    (all as Record<string, object | undefined>)[name] ?? {};
  return Object.fromEntries(
    sections.map((name) => {
      const base = of(file, name);
      return [name, Array.isArray(base) ? base : { ...base, ...of(flags, name) }];
    }),
  );
}

function readResources(file: string): LinuxResources {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TsruncError(`--resources: cannot read ${file}: ${error.code}`, {
      code: error.code,
      path: file,
      stage: 'update',
      cause: error,
    });
  }
  try {
    const value = parseExactJson(text);
    // update checks the rest.
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw invalid(
      `--resources: ${file} is not JSON: ${(error as Error).message.replace(/\s+/g, ' ')}`,
    );
  }
  throw invalid(`--resources: ${file} must hold an object`);
}

function fromFlags(flags: Flags): LinuxResources {
  const memory = {
    ...given('limit', bytes(flags, 'memory')),
    ...given('reservation', bytes(flags, 'memory-reservation')),
    ...given('swap', bytes(flags, 'memory-swap')),
  };
  const cpu = {
    ...given('shares', integer(flags, 'cpu-share')),
    ...given('quota', integer(flags, 'cpu-quota')),
    ...given('burst', integer(flags, 'cpu-burst')),
    ...given('period', integer(flags, 'cpu-period')),
    ...given('realtimeRuntime', integer(flags, 'cpu-rt-runtime')),
    ...given('realtimePeriod', integer(flags, 'cpu-rt-period')),
    ...given('idle', integer(flags, 'cpu-idle')),
    ...given('cpus', flags['cpuset-cpus']),
    ...given('mems', flags['cpuset-mems']),
  };
  const limit = integer(flags, 'pids-limit');
  const weight = integer(flags, 'blkio-weight');
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(limit !== undefined && { pids: { limit } }),
    ...(weight !== undefined && { blockIO: { weight: Number(weight) } }),
  };
}

type NumberFlag = Exclude<
  { [Name in keyof Flags]: Flags[Name] extends string | undefined ? Name : never }[keyof Flags],
  'resources' | undefined
>;

function integer(flags: Flags, name: NumberFlag): number | bigint | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,20}$/.test(text)) throw invalid(`--${name}: "${text}" is no whole number`);
  return exact(BigInt(text));
}

const units = ['', 'k', 'm', 'g', 't', 'p'];

/** `512m`, `1g`, `1.5GB`: powers of 1024, as Docker's users write them. */
function bytes(flags: Flags, name: NumberFlag): number | bigint | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const [, number = '', unit = ''] =
    /^(-1|[0-9]{1,20}(?:\.[0-9]{1,9})?) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  if (number === '') throw invalid(`--${name}: "${text}" is no size: write bytes, or 512m, 1g …`);
  const factor = 1024 ** units.indexOf(unit.toLowerCase());
  if (number.includes('.')) return Math.floor(Number(number) * factor);
  return exact(BigInt(number) * (number === '-1' ? 1n : BigInt(factor)));
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}

function invalid(message: string): TsruncError {
  return new TsruncError(message, { code: 'INVALID_ARGUMENT', stage: 'update' });
}
