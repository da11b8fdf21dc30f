import { dirname } from 'node:path';
import { TsruncError } from '../errors.js';
import type { StoredState } from './state.js';

type Check = (value: unknown) => boolean;

/**
 * The content of a state.json, checked field by field: a file that was damaged, or written
 * by hand or by another version, must not make us kill or remove anything.
 * Throws CORRUPT_STATE, naming the file and the field. `id` is the container's it lies in.
 */
export function parseStored(text: string, file: string, id: string): StoredState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(file, 'is not JSON', cause);
  }
  if (!isObject(value)) throw corrupt(file, 'is not an object');
  if (value['format'] !== 1) throw corrupt(file, 'was not written by this version of tsrunc');
  for (const [field, check] of Object.entries(fields)) {
    if (!check(value[field])) throw corrupt(file, `has a missing or wrong "${field}"`);
  }
  if (value['id'] !== id) throw corrupt(file, 'belongs to another container');
  return value as unknown as StoredState;
}

function corrupt(file: string, why: string, cause?: unknown): TsruncError {
  return new TsruncError(
    `${file} ${why}, so this container can't be managed: end its processes and remove ${dirname(file)}`,
    { code: 'CORRUPT_STATE', stage: 'state', path: file, cause },
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isString: Check = (value) => typeof value === 'string';
const isPath: Check = (value) =>
  typeof value === 'string' &&
  value.startsWith('/') &&
  !value.includes('\0') &&
  !value.split('/').includes('..');
function isOneOf(...values: readonly string[]): Check {
  return (value) => typeof value === 'string' && values.includes(value);
}
function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}
function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}
function recordOf(check: Check): Check {
  return (value) => isObject(value) && Object.values(value).every(check);
}
function shape(checks: Readonly<Record<string, Check>>): Check {
  return (value) =>
    isObject(value) && Object.entries(checks).every(([field, check]) => check(value[field]));
}

const hooks = optional(
  listOf(
    shape({
      path: (value) => typeof value === 'string' && value.startsWith('/'),
      args: optional(listOf(isString)),
      env: optional(listOf(isString)),
      timeout: optional((value) => Number.isInteger(value) && (value as number) > 0),
    }),
  ),
);

const fields: Readonly<Record<Exclude<keyof StoredState, 'format'>, Check>> = {
  ociVersion: isString,
  id: isString,
  bundle: isPath,
  rootfs: isPath,
  created: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  annotations: recordOf(isString),
  owner: isString,
  phase: isOneOf('creating', 'created', 'running'),
  // Pid 1 is a host's init or a container's own: never one of ours. 0 and -1 mean "many" to kill(2).
  init: optional(
    shape({
      pid: (value) => Number.isInteger(value) && (value as number) > 1,
      startTime: (value) => typeof value === 'string' && /^\d+$/.test(value),
    }),
  ),
  cgroup: optional(
    shape({
      version: isOneOf('v1', 'v2', 'hybrid'),
      directories: recordOf(isPath),
      systemd: optional(
        shape({ unit: isString, slice: isString, user: (value) => typeof value === 'boolean' }),
      ),
    }),
  ),
  resctrl: optional(shape({ joined: listOf(isPath), own: listOf(isPath) })),
  hooks: shape({
    prestart: hooks,
    createRuntime: hooks,
    createContainer: hooks,
    startContainer: hooks,
    poststart: hooks,
    poststop: hooks,
  }),
  noProcess: optional((value) => typeof value === 'boolean'),
  noNewKeyring: optional((value) => typeof value === 'boolean'),
  seccompAgent: optional(shape({ path: isPath, metadata: optional(isString) })),
  pidFile: optional(isPath),
};
