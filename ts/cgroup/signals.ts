import { isSystemError, TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';

/** What of Native a cgroup needs. */
export type CgroupNative = Pick<
  Native,
  'openPidfd' | 'signal' | 'waitGone' | 'attachDeviceProgram' | 'close'
>;

/** Pids of the processes that it's about, at the moment of the call. */
export type List = () => number[];

/** How many pidfds are open at once: well below the usual limit of 1024 descriptors. */
const batchSize = 256;

/** Rounds that are enough for everything but a process that forks faster than it is signalled. */
const maxRounds = 1000;

export const SIGKILL = 9;

/** How long processes may take to end after SIGKILL, in milliseconds. */
const patience = 10_000;

/** Sends a signal to each process once, also to those that are forked meanwhile. */
export function signalProcesses(native: CgroupNative, list: List, signal: number): void {
  const seen = new Set<number>();
  for (let round = 0; round < maxRounds; round++) {
    const pids = list()
      .filter((pid) => !seen.has(pid))
      .slice(0, batchSize);
    if (pids.length === 0) return;
    for (const pid of pids) seen.add(pid);
    const pidfds = openPidfds(native, pids, list);
    try {
      for (const pidfd of pidfds) unlessEnded(() => native.signal(pidfd, signal));
    } finally {
      for (const pidfd of pidfds) native.close(pidfd);
    }
  }
}

/**
 * Ends processes and waits until there are none.
 *
 * @param strike sends SIGKILL to all; called again while some are left
 * @throws TsruncError EBUSY when some are still there after 10 seconds
 */
export async function killProcesses(
  native: CgroupNative,
  list: List,
  strike: () => void,
): Promise<void> {
  const deadline = Date.now() + patience;
  for (let pids = list(); pids.length > 0; pids = list()) {
    const pidfds = openPidfds(native, pids.slice(0, batchSize), list);
    try {
      strike();
      // Without a pidfd they all have ended just now, and the list is about to say so.
      const gone =
        pidfds.length === 0
          ? new Promise((resolve) => setImmediate(resolve))
          : Promise.all(pidfds.map((pidfd) => native.waitGone(pidfd)));
      const inTime = await within(deadline - Date.now(), gone);
      if (!inTime || Date.now() > deadline) throw stubborn(pids);
    } finally {
      for (const pidfd of pidfds) native.close(pidfd);
    }
  }
}

/**
 * Pidfds of those of `pids` that are still in the list. Between reading a pid and opening it the process may have
 * ended and another one, a stranger, have got its number: so the list is read again with the pidfds open, which
 * keeps the numbers' meaning.
 */
function openPidfds(native: CgroupNative, pids: readonly number[], list: List): number[] {
  const opened: { pid: number; pidfd: number }[] = [];
  try {
    for (const pid of pids) {
      const pidfd = unlessEnded(() => native.openPidfd(pid));
      if (pidfd !== undefined) opened.push({ pid, pidfd });
    }
    const members = new Set(list());
    for (const { pidfd } of opened.filter(({ pid }) => !members.has(pid))) native.close(pidfd);
    return opened.filter(({ pid }) => members.has(pid)).map(({ pidfd }) => pidfd);
  } catch (error) {
    for (const { pidfd } of opened) native.close(pidfd);
    throw error;
  }
}

function unlessEnded<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (isSystemError(error) && error.code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Whether a promise is fulfilled in time. When it isn't, what becomes of it doesn't matter any more. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(milliseconds, 0), false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}

function stubborn(pids: readonly number[]): TsruncError {
  return new TsruncError(
    `processes ${pids.slice(0, 10).join(', ')} of the container did not end within ${patience / 1000} seconds of SIGKILL: /proc/PID/stack says what each of them waits for`,
    { code: 'EBUSY', stage: 'cgroup' },
  );
}
