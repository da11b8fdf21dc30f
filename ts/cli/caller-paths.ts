import { resolve } from 'node:path';
import type { Caller } from '../native/caller.js';
import type { Flags, FlagValues } from './arguments.js';

/** Paths that mean the process which looks at them. */
const ofTheProcess = /^\/+(proc\/+(self|thread-self)|dev\/+(fd|stdin|stdout|stderr))(\/|$)/;

/** Flags with paths as they are from where the caller stands, which for a host is another place than its own. */
export function fromCaller<T extends Flags>(
  caller: Caller,
  table: T,
  flags: FlagValues<T>,
): FlagValues<T> {
  if (caller.pid === process.pid) return flags;
  const values: Record<string, unknown> = { ...flags };
  for (const name of Object.keys(table).filter((each) => table[each]?.path)) {
    const path = values[name];
    if (typeof path !== 'string') continue;
    if (ofTheProcess.test(path)) caller.alone(path);
    values[name] = resolve(caller.directory, path);
  }
  return values as FlagValues<T>;
}
