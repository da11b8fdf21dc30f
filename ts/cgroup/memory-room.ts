import { isSystemError, TsruncError } from '../errors.js';
import type { LinuxMemory } from '../spec/types.js';
import type { CgroupLocation } from './cgroup.js';
import { readControl, writeControl } from './control-files.js';

/**
 * Before a container's memory limit is lowered: makes room, and refuses a limit that is below what stays in use.
 * The kernel would end processes then on cgroup v2; v1 refuses by itself, so nothing is to be done there unless
 * `checkBeforeUpdate` asks for it.
 *
 * @throws TsruncError EBUSY with the numbers
 */
export function makeRoom({ version, directories }: CgroupLocation, memory: LinuxMemory): void {
  const limit = BigInt(memory.limit ?? 0);
  if (limit <= 0n) return;
  const v2 = version === 'v2';
  if (!v2 && memory.checkBeforeUpdate !== true) return;
  const directory = v2
    ? directories['unified']
    : Object.entries(directories).find(([name]) => name.split(',').includes('memory'))?.[1];
  if (directory === undefined) return;
  const file = v2 ? 'memory.current' : 'memory.usage_in_bytes';
  const used = usage(directory, file);
  if (used === undefined || used <= limit) return;
  if (v2) reclaim(directory, used - limit);
  const left = usage(directory, file) ?? 0n;
  if (left <= limit) return;
  throw new TsruncError(
    `linux.resources.memory.limit cannot be lowered to ${limit} bytes: ${left} bytes are in use and the kernel could not reclaim them: choose a higher limit, or end processes first`,
    { code: 'EBUSY', stage: 'cgroup' },
  );
}

/** Undefined where the kernel doesn't count: then it can't limit either, which the write of the limit says. */
function usage(directory: string, file: string): bigint | undefined {
  try {
    return BigInt(readControl(directory, file));
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function reclaim(directory: string, bytes: bigint): void {
  try {
    writeControl(directory, 'memory.reclaim', String(bytes));
  } catch (error) {
    // EAGAIN: not all of it. ENOENT: a kernel before 5.19 has no such file. What is in use tells.
    if (!isSystemError(error) || !['EAGAIN', 'ENOENT'].includes(error.code)) throw error;
  }
}
