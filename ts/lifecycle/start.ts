import { rmSync } from 'node:fs';
import type { NotifyProxy } from '../console/notify-proxy.js';
import { isSystemError, TsruncError } from '../errors.js';
import { runHooks } from '../hooks/run.js';
import type { ContainerFolder } from '../state/folder.js';
import { openVerified } from '../state/process.js';
import type { StoredState } from '../state/state.js';
import { requireNoHooks } from './caller.js';
import type { Context } from './context.js';
import { awaitExec, type FailureOf, replyWithState } from './conversation.js';
import { destroy, endInit } from './delete.js';
import { initError, nothingToStart, silentEnd } from './failures.js';
import { type Inspected, inspect } from './inspect.js';
import { openNotifyProxy } from './notify.js';
import type { StartOptions } from './options.js';
import { tellAgent } from './seccomp-agent.js';
import { START_SOCKET } from './start-socket.js';

/** runtime.md, "Start": runs the user's program in a container that was created. */
export async function startContainer(
  context: Context,
  id: string,
  { notifySocket }: StartOptions = {},
): Promise<void> {
  const folder = context.store.open(id);
  const proxy = notifySocket === undefined ? undefined : new Readiness(context, notifySocket);
  try {
    await startUnderLock(context, folder, proxy);
    // Without the lock: it may take as long as the container lives.
    await proxy?.wait();
  } finally {
    proxy?.close();
  }
}

async function startUnderLock(
  context: Context,
  folder: ContainerFolder,
  readiness: Readiness | undefined,
): Promise<void> {
  const { id } = folder;
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
    if (stored.noProcess) throw nothingToStart(id);
    requireNoHooks(context.caller, stored.hooks);
    context.caller.took([]);
    await readiness?.prepare(folder, stored);
    await startLocked(context, folder, { stored, state });
  } finally {
    lock.release();
  }
}

/** What is to be passed on to the service manager about a container that is started. */
class Readiness {
  readonly #context: Context;
  readonly #host: string;
  #proxy: NotifyProxy | undefined;
  #pid = 0;
  #pidfd: number | undefined;

  constructor(context: Context, host: string) {
    this.#context = context;
    this.#host = host;
  }

  /** Before the container's program runs, which may be ready at once. */
  async prepare(folder: ContainerFolder, { init }: StoredState): Promise<void> {
    const { native, warn } = this.#context;
    this.#proxy = await openNotifyProxy(native, folder, this.#host);
    if (this.#proxy === undefined)
      return warn(
        `$NOTIFY_SOCKET: container ${folder.id} was created without, so it won't say when it is ready`,
      );
    this.#pidfd = init && openVerified(native, init);
    this.#pid = init?.pid ?? 0;
  }

  async wait(): Promise<void> {
    if (this.#proxy === undefined || this.#pidfd === undefined) return;
    await this.#proxy.untilReady(this.#context.native.waitGone(this.#pidfd), this.#pid);
  }

  close(): void {
    this.#proxy?.close();
    if (this.#pidfd !== undefined) this.#context.native.close(this.#pidfd);
  }
}

async function startLocked(
  context: Context,
  folder: ContainerFolder,
  { stored, state }: Inspected,
): Promise<void> {
  try {
    await tellInit(context, folder, { stored, state });
    noteStarted(context, folder, stored);
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

/** The program runs by then, which is seen without this, too: init doesn't listen any more (inspect.ts). */
function noteStarted({ warn }: Context, folder: ContainerFolder, stored: StoredState): void {
  try {
    folder.write({ ...stored, phase: 'running' });
    rmSync(folder.path(START_SOCKET), { force: true });
  } catch (error) {
    warn(`container ${folder.id} runs, but that could not be noted: ${(error as Error).message}`);
  }
}

async function tellInit(
  { native }: Context,
  folder: ContainerFolder,
  { stored, state }: Inspected,
): Promise<void> {
  const socket = connect(native, folder.path(START_SOCKET));
  try {
    replyWithState(native, socket, 'start', state);
    await awaitExec(native, socket, failure, (listener) =>
      tellAgent(native, stored.seccompAgent, state, state.pid, listener),
    );
  } finally {
    native.close(socket);
  }
}

const failure: FailureOf = {
  reported: (message) => initError(message, 'start'),
  silent: async () => silentEnd(undefined, 'start'),
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
