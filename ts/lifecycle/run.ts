import type { NotifyProxy } from '../console/notify-proxy.js';
import { TsruncError } from '../errors.js';
import type { ExitStatus } from '../native/native.js';
import type { StoredState } from '../state/state.js';
import type { Context } from './context.js';
import { createContainer } from './create.js';
import { destroy } from './delete.js';
import type { InitProcess } from './init-process.js';
import { inspect } from './inspect.js';
import type { RunningContainer, RunOptions } from './options.js';
import { signalNumber } from './signals.js';
import { openStreams } from './stdio.js';

/** Create and start in one; the container is deleted when its process has ended, unless `keep`. */
export async function runContainer(
  context: Context,
  id: string,
  options: RunOptions,
): Promise<RunningContainer> {
  const { init, state, stdio, console, proxy } = await createContainer(context, id, options, true);
  const passedOn = proxy === undefined ? undefined : passOn(context, proxy, init);
  const ended = whenEnded(context, init, state, options).finally(() => passedOn);
  // Who never asks for the end must not die of a failed clean-up.
  ended.catch(() => {});
  const streams = await openStreams(stdio);
  return {
    id,
    pid: init.pid,
    ...streams,
    console: console ?? null,
    wait: () => ended,
    kill: (signal = 'SIGTERM') => init.signal(signalNumber(signal)),
  };
}

/** This process is the one that the service manager started, and it lasts as long as the container. */
async function passOn(context: Context, proxy: NotifyProxy, init: InitProcess): Promise<void> {
  try {
    await proxy.always(init.ended, context.caller.pid);
  } catch (error) {
    context.warn((error as Error).message);
  } finally {
    proxy.close();
  }
}

async function whenEnded(
  context: Context,
  init: InitProcess,
  state: StoredState,
  options: RunOptions,
): Promise<ExitStatus> {
  const abort = (): void => void init.end();
  options.signal?.addEventListener('abort', abort, { once: true });
  const status = await init.exited();
  options.signal?.removeEventListener('abort', abort);
  if (!options.keep) await deleteOwn(context, state);
  return status;
}

/** Somebody else may have deleted it meanwhile, and even made another of its name. */
async function deleteOwn(context: Context, state: StoredState): Promise<void> {
  const { id, init } = state;
  try {
    const folder = context.store.open(id);
    using _lock = await folder.lock();
    if (folder.isStill(state)) {
      await destroy(context, folder, state);
      return;
    }
    const { stored } = inspect(context, folder);
    if (stored.init?.pid === init?.pid && stored.init?.startTime === init?.startTime) {
      await destroy(context, folder, stored);
    }
  } catch (error) {
    if (!(error instanceof TsruncError && error.code === 'CONTAINER_NOT_FOUND')) throw error;
  }
}
