import { isSystemError, TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import type { Native } from '../native/native.js';
import { failedWith, systemFailure } from './failure.js';
import type { ProcessIdentity } from './state.js';

/** Of /proc/PID/stat (proc(5)), what tsrunc asks about. */
export interface ProcessStat {
  /** `R`, `S`, `D`, `Z`, `X` … */
  readonly state: string;
  readonly threads: number;
  readonly startTime: string;
  /** PF_* bits. */
  readonly flags: number;
}

/** linux/sched.h: on its way out, and without its descriptors or soon to be. */
const PF_EXITING = 4;

/** Parses the text of /proc/PID/stat. Throws INVALID_STATE for any other text. */
export function parseStat(text: string): ProcessStat {
  // The second field is the program's own choice of name, in parentheses; it may hold
  // spaces, newlines and parentheses itself. The fields behind it hold none.
  const fields = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const [state, threads, startTime] = [fields[0], Number(fields[17]), fields[19]];
  const flags = Number(fields[6]);
  if (state?.length !== 1 || !Number.isInteger(threads) || !/^\d+$/.test(startTime ?? '')) {
    throw new TsruncError(`/proc/PID/stat has an unknown form: ${JSON.stringify(text)}`, {
      code: 'INVALID_STATE',
      stage: 'state',
    });
  }
  return { state, threads, startTime: startTime ?? '', flags };
}

/**
 * How far a time namespace's boot time is ahead of the host's, in the ticks of /proc/PID/stat, by the text of
 * /proc/self/timens_offsets (time_namespaces(7)). Exact for offsets of whole ticks.
 */
export function parseTimeOffset(text: string): bigint {
  const [, seconds = '0', nanoseconds = '0'] = /^boottime\s+(-?\d+)\s+(\d+)$/m.exec(text) ?? [];
  return BigInt(seconds) * 100n + BigInt(nanoseconds) / 10_000_000n;
}

let timeOffset: bigint | undefined;

function readTimeOffset(): bigint {
  try {
    return parseTimeOffset(loadNative().readText('/proc/self/timens_offsets'));
  } catch (error) {
    // A kernel without time namespaces.
    if (failedWith(error, 'ENOENT')) return 0n;
    throw systemFailure('cannot read /proc/self/timens_offsets', error);
  }
}

/** Undefined when there is no such process (any more). */
function readStat(pid: number): ProcessStat | undefined {
  try {
    const stat = parseStat(loadNative().readText(`/proc/${pid}/stat`));
    timeOffset ??= readTimeOffset();
    // The kernel adds the reader's offset, and the next command may come from another time namespace.
    return { ...stat, startTime: String(BigInt(stat.startTime) - timeOffset) };
  } catch (error) {
    // ESRCH: it was reaped between the open and the read.
    if (failedWith(error, 'ENOENT', 'ESRCH')) return undefined;
    throw systemFailure(`cannot read /proc/${pid}/stat`, error);
  }
}

/** What tells a living process from a later one with the same number. Throws ESRCH. */
export function identify(pid: number): ProcessIdentity {
  const stat = readStat(pid);
  if (stat !== undefined) return { pid, startTime: stat.startTime };
  throw new TsruncError(`process ${pid} has ended: no such process`, { code: 'ESRCH', errno: 3 });
}

/** The number that a process has in its own pid namespace. Throws ESRCH. */
export function pidInContainer(pid: number): number {
  try {
    const status = loadNative().readText(`/proc/${pid}/status`);
    // From the namespace of /proc's reader to that of the process.
    return Number(/^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? pid);
  } catch (error) {
    throw systemFailure(`cannot read /proc/${pid}/status`, error);
  }
}

/** Whether that very process still runs: a zombie doesn't. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return stat?.startTime === identity.startTime && isRunning(stat);
}

/** Whether that very process is gone, or about to be: what it had open may be closed. */
export function isEnding(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  if (stat?.startTime !== identity.startTime || !isRunning(stat)) return true;
  return (stat.flags & PF_EXITING) !== 0 && stat.threads === 1;
}

/** False for a zombie and for a dead process. */
export function isRunning(stat: ProcessStat): boolean {
  // A process whose first thread has ended shows `Z` while its other threads live.
  return stat.state === 'Z' ? stat.threads > 1 : stat.state !== 'X' && stat.state !== 'x';
}

/**
 * A pidfd that is certainly of that process, or undefined when it has ended. The caller closes it.
 * The check comes after the opening: who is alive then held the number when it was opened.
 */
export function openVerified(
  native: Pick<Native, 'openPidfd' | 'close'>,
  identity: ProcessIdentity,
): number | undefined {
  let pidfd: number;
  try {
    pidfd = native.openPidfd(identity.pid);
  } catch (error) {
    // EINVAL: the number now belongs to a thread of another process (ENOENT since 6.15).
    if (isSystemError(error) && ['ESRCH', 'EINVAL', 'ENOENT'].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
  let alive = false;
  try {
    alive = isAlive(identity);
  } finally {
    if (!alive) native.close(pidfd);
  }
  return alive ? pidfd : undefined;
}
