import { openCgroup } from '../cgroup/open.js';
import { isSystemError, TsruncError } from '../errors.js';
import { openVerified } from '../state/process.js';
import type { StoredState } from '../state/state.js';
import type { Context } from './context.js';
import { inspect } from './inspect.js';
import type { KillOptions } from './options.js';
import { signalNumber } from './signals.js';

/** runtime.md, "Kill". Signals the first process, or with `all` every one. */
export function killContainer(
  context: Context,
  id: string,
  signal: string | number,
  options: KillOptions = {},
): void {
  const number = signalNumber(signal);
  const { stored, state } = inspect(context, context.store.open(id));
  context.caller.took([]);
  if (options.all) {
    signalAll(context, stored, number);
    return;
  }
  if (state.status === 'stopped' || state.status === 'creating') throw notRunning();
  if (!signalInit(context, stored, number)) throw notRunning();
}

/** Sends a signal to the first process; false when it has ended. */
export function signalInit({ native }: Context, { init }: StoredState, signal: number): boolean {
  const pidfd = init === undefined ? undefined : openVerified(native, init);
  if (pidfd === undefined) return false;
  try {
    native.signal(pidfd, signal);
    return true;
  } catch (error) {
    if (isSystemError(error) && error.code === 'ESRCH') return false;
    throw error;
  } finally {
    native.close(pidfd);
  }
}

/** Everything in the cgroup; the first process alone where there is none. */
function signalAll(context: Context, stored: StoredState, signal: number): void {
  if (stored.cgroup === undefined) signalInit(context, stored, signal);
  else openCgroup(stored.cgroup, context.native).signalAll(signal);
}

function notRunning(): TsruncError {
  return new TsruncError('container not running', { code: 'CONTAINER_NOT_RUNNING', stage: 'kill' });
}
