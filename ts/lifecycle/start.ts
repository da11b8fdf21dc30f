import { rmSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import { runHooks } from '../hooks/run.js';
import type { ContainerFolder } from '../state/folder.js';
import type { Context } from './context.js';
import { awaitExec, type FailureOf, replyWithState } from './conversation.js';
import { destroy, endInit } from './delete.js';
import { initError, silentEnd } from './failures.js';
import { type Inspected, inspect } from './inspect.js';
import { tellAgent } from './seccomp-agent.js';
import { START_SOCKET } from './start-socket.js';

/** runtime.md, "Start": runs the user's program in a container that was created. */
export async function startContainer(context: Context, id: string): Promise<void> {
  const folder = context.store.open(id);
  const lock = await folder.lock();
  try {
    const { stored, state } = inspect(context, folder);
    if (state.status !== 'created') {
      const why =
        state.status === 'stopped' ? 'a stopped container' : 'a container that has been started';
      throw new TsruncError(`cannot start ${why}: "${id}" is ${state.status}`, {
        code: 'INVALID_STATE',
        stage: 'start',
      });
    }
    await startLocked(context, folder, { stored, state });
  } finally {
    lock.release();
  }
}

async function startLocked(
  context: Context,
  folder: ContainerFolder,
  { stored, state }: Inspected,
): Promise<void> {
  try {
    await tellInit(context, folder, { stored, state });
    folder.write({ ...stored, phase: 'running' });
    rmSync(folder.path(START_SOCKET), { force: true });
    await runHooks(
      'poststart',
      stored.hooks.poststart,
      { ...state, status: 'running' },
      { native: context.native },
    );
  } catch (error) {
    // runtime.md, "Lifecycle": a failed hook stops the container, and what create made is undone.
    if (error instanceof TsruncError && error.code === 'HOOK_FAILED') {
      await endInit(context, stored, state);
      await destroy(context, folder, stored);
    }
    throw error;
  }
}

async function tellInit(
  { native }: Context,
  folder: ContainerFolder,
  { stored, state }: Inspected,
): Promise<void> {
  const socket = connect(native, folder.path(START_SOCKET));
  try {
    replyWithState(native, socket, 'start', JSON.stringify(state));
    await awaitExec(native, socket, failure, (listener) =>
      tellAgent(native, stored.seccompAgent, state, listener),
    );
  } finally {
    native.close(socket);
  }
}

const failure: FailureOf = {
  reported: (message) => initError(message, 'start'),
  silent: async () => silentEnd({ code: 1 }, 'start'),
};

function connect(native: Context['native'], path: string): number {
  try {
    return native.connect(path, 'seqpacket');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TsruncError('container not running: its init ended before the start', {
      code: 'CONTAINER_NOT_RUNNING',
      stage: 'start',
      cause: error,
    });
  }
}
