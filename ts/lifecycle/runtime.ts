import { TsruncError } from '../errors.js';
import type { Stats } from '../events/stats.js';
import type { ContainerEvent, EventOptions } from '../events/stream.js';
import { collectHost } from '../host/collect.js';
import type { Host } from '../host/host.js';
import { loadNative } from '../native/addon.js';
import type { Caller } from '../native/caller.js';
import type { Native } from '../native/native.js';
import type { Program } from '../plan/operations.js';
import type { LinuxResources } from '../spec/types.js';
import { checkId } from '../state/id.js';
import { defaultRoot } from '../state/root.js';
import type { State } from '../state/state.js';
import { Store } from '../state/store.js';
import { thisProcess } from './caller.js';
import type { Context } from './context.js';
import { listContainers, queryState } from './inspect.js';
import type {
  CreateOptions,
  DeleteOptions,
  ExecOptions,
  KillOptions,
  RunningContainer,
  RunningProcess,
  RunOptions,
  RuntimeOptions,
  StartOptions,
} from './options.js';
import type { Schemata } from './update.js';

/**
 * The operations of the OCI runtime specification (runtime.md, "Operations") and of runc's command line, in
 * this process. Every method rejects with a `TsruncError`. One Runtime serves any number of containers at once.
 *
 * What validates and plans is loaded by the first call that needs it: `tsrunc state` starts without it.
 */
export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #caller: Caller;
  readonly #native: Native | undefined;
  #context: Context | undefined;

  /** `behalf` is the host's: for whom it works, and how. */
  constructor(
    options: RuntimeOptions = {},
    behalf: { readonly caller?: Caller; readonly native?: Native } = {},
  ) {
    this.#options = options;
    this.#caller = behalf.caller ?? thisProcess;
    this.#native = behalf.native;
  }

  /** The folder with the state of its containers. */
  get root(): string {
    return this.#open().store.root;
  }

  /** Sets the container up to the point where `start` runs its program. */
  async create(id: string, options: CreateOptions = {}): Promise<void> {
    refusePipes(options);
    checkId(id);
    const { createContainer } = await import('./create.js');
    const { stdio } = await createContainer(this.#open(), id, options, false);
    stdio.close();
  }

  async start(id: string, options: StartOptions = {}): Promise<void> {
    checkId(id);
    const { startContainer } = await import('./start.js');
    await startContainer(this.#open(), id, options);
  }

  /** Creates, starts and, when its program has ended, deletes a container. Resolves when the program runs. */
  async run(id: string, options: RunOptions = {}): Promise<RunningContainer> {
    checkId(id);
    const { runContainer } = await import('./run.js');
    return runContainer(this.#open(), id, options);
  }

  /** Starts another process in a container. Resolves when its program runs. */
  async exec(id: string, options: ExecOptions): Promise<RunningProcess> {
    checkId(id);
    const { execInContainer } = await import('./exec.js');
    return execInContainer(this.#open(), id, options);
  }

  async state(id: string): Promise<State> {
    checkId(id);
    return queryState(this.#open(), id);
  }

  /** `signal`: a number, or a name with or without SIG. */
  async kill(
    id: string,
    signal: string | number = 'SIGTERM',
    options: KillOptions = {},
  ): Promise<void> {
    checkId(id);
    const { killContainer } = await import('./kill.js');
    killContainer(this.#open(), id, signal, options);
  }

  /** Makes all processes of a container stand still. */
  async pause(id: string): Promise<void> {
    checkId(id);
    const { pauseContainer } = await import('./pause.js');
    await pauseContainer(this.#open(), id);
  }

  async resume(id: string): Promise<void> {
    checkId(id);
    const { resumeContainer } = await import('./pause.js');
    await resumeContainer(this.#open(), id);
  }

  /** The pids of a container's processes, as the host numbers them. */
  async ps(id: string): Promise<number[]> {
    checkId(id);
    const { listProcesses } = await import('./ps.js');
    return listProcesses(this.#open(), id);
  }

  /** What a container has used. Rejects with CONTAINER_NOT_RUNNING for a stopped one. */
  async stats(id: string): Promise<Stats> {
    checkId(id);
    const { containerStats } = await import('./events.js');
    return containerStats(this.#open(), id);
  }

  /**
   * What happens to a container until it ends: that it ran out of memory, and, where they are asked for, statistics every
   * `interval` and stalls. It is watched from the moment the promise resolves. Rejects with CONTAINER_NOT_RUNNING.
   *
   * @example for await (const event of await runtime.events('web', { interval: 5000 })) …
   */
  async events(
    id: string,
    options: EventOptions = {},
  ): Promise<AsyncIterableIterator<ContainerEvent>> {
    checkId(id);
    const { containerEvents } = await import('./events.js');
    return containerEvents(this.#open(), id, options);
  }

  /**
   * Changes limits of a container: config-linux.md, "Control groups", and `schemata` those of its class of service
   * ("IntelRdt"). What isn't named stays as it is.
   */
  async update(id: string, resources: LinuxResources, schemata: Schemata = {}): Promise<void> {
    checkId(id);
    const { updateContainer } = await import('./update.js');
    await updateContainer(this.#open(), id, resources, schemata);
  }

  async delete(id: string, options: DeleteOptions = {}): Promise<void> {
    checkId(id);
    const { deleteContainer } = await import('./delete.js');
    await deleteContainer(this.#open(), id, options);
  }

  async list(): Promise<State[]> {
    return listContainers(this.#open());
  }

  /** What the kernel would be asked to do for a bundle. Changes nothing. */
  async plan(bundle: string = process.cwd()): Promise<Program> {
    const { planBundle } = await import('./plan-bundle.js');
    return planBundle(bundle, this.#open());
  }

  #open(): Context {
    this.#context ??= this.#openContext();
    return this.#context;
  }

  #openContext(): Context {
    const { root, cgroupManager, onWarning, reap = 'all' } = this.#options;
    const native = this.#native ?? loadNative();
    const caller = this.#caller;
    const asker = {
      uid: process.geteuid?.() ?? 0,
      privileged: () => collectHost().privileged,
    };
    let host: Host | undefined;
    return {
      native,
      caller,
      // Looked at by create alone.
      get host() {
        host ??= collectHost(caller.proc);
        return host;
      },
      store: new Store(root ?? defaultRoot(caller.env, asker), native),
      cgroups: cgroupManager ?? 'cgroupfs',
      reap,
      warn: onWarning ?? (() => {}),
    };
  }
}

/** Nobody would hold our end of a pipe. */
function refusePipes({ stdio }: CreateOptions): void {
  if (!stdio?.includes('pipe')) return;
  throw new TsruncError(
    'create: stdio "pipe" is for run, which gives you the streams: give create a descriptor',
    {
      code: 'INVALID_ARGUMENT',
    },
  );
}
