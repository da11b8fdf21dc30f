import { TsruncError } from '../../errors.js';
import type { LinuxMemory } from '../../spec/types.js';
import { isGiven, type Limit, unsupported } from '../limits.js';

/** Reads a file of the cgroup. */
type Read = (file: string) => string;

/**
 * config-linux.md, "Memory", for the memory controller of cgroup v2. Bytes; -1 is no limit.
 *
 * @throws TsruncError UNSUPPORTED for what there is on v1 only; INVALID_CONFIG for a limit on the swap that can't be worked out; EBUSY for one on memory below
 *   what is in use, when `checkBeforeUpdate` asks to be told
 */
export function memoryLimits(memory: LinuxMemory, read: Read): Limit[] {
  refuseV1Only(memory);
  const limits: Limit[] = [];
  const { limit, reservation } = memory;
  if (isGiven(limit)) {
    // The kernel here would kill processes until the rest fits; cgroup v1 refuses by itself.
    if (memory.checkBeforeUpdate) checkUsage(limit, read);
    limits.push({ name: 'memory.limit', file: 'memory.max', value: bytes(limit) });
  }
  const swap = swapLimit(memory, read);
  if (swap !== undefined) {
    if (memory.checkBeforeUpdate) checkSwapUsage(memory.swap, read);
    // A kernel without swap has no such file, and no swap is what it gives.
    const optional = swap === 'max' || swap === '0';
    limits.push({ name: 'memory.swap', file: 'memory.swap.max', value: swap, optional });
  }
  if (isGiven(reservation)) {
    limits.push({ name: 'memory.reservation', file: 'memory.low', value: bytes(reservation) });
  }
  return limits;
}

/** Memory is always counted hierarchically here, so `useHierarchy` is met. */
function refuseV1Only({ kernel, kernelTCP, swappiness, disableOOMKiller }: LinuxMemory): void {
  const included = 'cgroup v2 counts it in memory.limit: set that, and remove this one';
  if (Number(kernel ?? 0) > 0) throw unsupported('memory.kernel', included);
  if (Number(kernelTCP ?? 0) > 0) throw unsupported('memory.kernelTCP', included);
  if (swappiness != null)
    throw unsupported(
      'memory.swappiness',
      'cgroup v2 has none of its own for a cgroup: remove it from the configuration, and use the sysctl vm.swappiness or limit memory.swap',
    );
  if (disableOOMKiller)
    throw unsupported(
      'memory.disableOOMKiller',
      'cgroup v2 can not switch it off: remove it from the configuration, and use process.oomScoreAdj or unified "memory.high"',
    );
}

function bytes(value: number | bigint): string {
  return Number(value) < 0 ? 'max' : String(value);
}

/** The specification counts memory and swap together, this kernel interface counts swap alone. */
function swapLimit({ limit, swap }: LinuxMemory, read: Read): string | undefined {
  const unlimited = isGiven(limit) && Number(limit) < 0;
  // As on cgroup v1, where no limit on memory means none on the sum.
  if (!isGiven(swap)) return unlimited ? 'max' : undefined;
  if (Number(swap) < 0) return 'max';
  // What the sum should be of no limit and something isn't defined; the other runtimes take it for the swap.
  if (unlimited) return String(swap);
  const memory = isGiven(limit) ? String(limit) : read('memory.max');
  if (memory === 'max') {
    throw invalid(
      `limits memory and swap together to ${swap}, but there is no limit on memory: set linux.resources.memory.limit, too`,
    );
  }
  const rest = BigInt(swap) - BigInt(memory);
  if (rest < 0n) {
    throw invalid(
      `is ${swap}, but must not be less than the limit on memory alone, ${memory}: it is the limit on both together`,
    );
  }
  return String(rest);
}

function checkUsage(limit: number | bigint, read: Read): void {
  const usage = read('memory.current');
  if (Number(limit) < 0 || BigInt(usage) <= BigInt(limit)) return;
  throw new TsruncError(
    `linux.resources.memory.limit could not be set: ${limit} bytes are less than the ${usage} in use: set a higher limit, or no checkBeforeUpdate`,
    { code: 'EBUSY', stage: 'cgroup' },
  );
}

/** The sum; swapping goes on meanwhile, so the kernel would only let no more in. */
function checkSwapUsage(limit: number | bigint | undefined, read: Read): void {
  if (!isGiven(limit) || Number(limit) < 0) return;
  const usage = BigInt(read('memory.current')) + BigInt(read('memory.swap.current'));
  if (usage <= BigInt(limit)) return;
  throw new TsruncError(
    `linux.resources.memory.swap could not be set: ${limit} bytes are less than the ${usage} of memory and swap in use: set a higher limit, or no checkBeforeUpdate`,
    { code: 'EBUSY', stage: 'cgroup' },
  );
}

function invalid(what: string): TsruncError {
  return new TsruncError(`linux.resources.memory.swap ${what}`, {
    code: 'INVALID_CONFIG',
    stage: 'cgroup',
  });
}
