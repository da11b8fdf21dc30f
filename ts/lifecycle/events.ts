import { TsruncError } from '../errors.js';
import type { Stats } from '../events/stats.js';
import { readStats } from '../events/stats.js';
import { type EventOptions, EventStream } from '../events/stream.js';
import { openVerified } from '../state/process.js';
import type { StoredState } from '../state/state.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';
import { cgroupOf } from './pause.js';

/** Reads once what a container has used. Throws CONTAINER_NOT_RUNNING for a stopped one. */
export async function containerStats(context: Context, id: string): Promise<Stats> {
  return statsOf(requireRunning(context, id));
}

/** Watches a container until it ends. Throws CONTAINER_NOT_RUNNING for a stopped one, INVALID_ARGUMENT. */
export function containerEvents(context: Context, id: string, options: EventOptions): EventStream {
  options.signal?.throwIfAborted();
  const { interval } = options;
  // What a timer can count.
  if (interval !== undefined && !(interval >= 1 && interval < 2 ** 31)) {
    throw new TsruncError(
      `the interval of ${interval} ms between statistics has to be from 1 ms to 24 days`,
      { code: 'INVALID_ARGUMENT', stage: 'events' },
    );
  }
  const stored = requireRunning(context, id);
  const location = cgroupOf(stored, 'watch');
  const pidfd = stored.init && openVerified(context.native, stored.init);
  if (pidfd === undefined) throw notRunning(id);
  const source = { id, location, pidfd, stats: () => statsOf(stored) };
  return new EventStream(context.native, source, options);
}

async function statsOf(stored: StoredState): Promise<Stats> {
  const stats = readStats(cgroupOf(stored, 'read the statistics of'), stored.init?.pid ?? 0);
  if (stored.resctrl === undefined) return { ...stats, intel_rdt: {} };
  const { readRdtStats, resctrlRoot } = await import('../resctrl/index.js');
  return { ...stats, intel_rdt: readRdtStats(resctrlRoot(), stored.resctrl) };
}

function requireRunning(context: Context, id: string): StoredState {
  const { stored, state } = inspect(context, context.store.open(id));
  if (state.status === 'stopped' || state.status === 'creating') throw notRunning(id);
  return stored;
}

function notRunning(id: string): TsruncError {
  return new TsruncError(`container not running: "${id}"`, {
    code: 'CONTAINER_NOT_RUNNING',
    stage: 'events',
  });
}
