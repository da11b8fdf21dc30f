import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Cgroup } from '../cgroup/cgroup.js';
import { sendConsole, sendPidfd } from '../console/socket.js';
import { TsruncError } from '../errors.js';
import { runHooks } from '../hooks/run.js';
import { encode } from '../native/encode.js';
import type { Program } from '../plan/operations.js';
import { plan } from '../plan/plan.js';
import type { Process } from '../spec/types.js';
import { containerExists } from '../state/failure.js';
import type { ContainerFolder } from '../state/folder.js';
import { identify } from '../state/process.js';
import type { State, StoredState } from '../state/state.js';
import { Undo } from '../undo.js';
import { type Bundle, loadBundle } from './bundle.js';
import { ownerName, requireInherited } from './caller.js';
import { compileFilters } from './compile-filters.js';
import { cgroupOf } from './container-cgroup.js';
import type { Context } from './context.js';
import { awaitCreated, awaitExec, type FailureOf, reply, replyWithState } from './conversation.js';
import { initError, silentEnd } from './failures.js';
import { writeIdMaps } from './id-maps.js';
import { InitProcess } from './init-process.js';
import type { CreateOptions } from './options.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { agentOf, tellAgent } from './seccomp-agent.js';
import { START_SOCKET } from './start-socket.js';
import { type PreparedStdio, prepareStdio } from './stdio.js';

/** What is left to a caller who goes on with the container. */
export interface Started {
  readonly init: InitProcess;
  readonly state: StoredState;
  readonly stdio: PreparedStdio;
  /** The terminal's master, when nobody else took it. */
  readonly console: number | undefined;
}

/**
 * Creates a container; with `startNow` it is started at once, over the same socket, without a wait for `start`.
 * Whatever fails, and when `options.signal` fires: all is undone.
 */
export async function createContainer(
  context: Context,
  id: string,
  options: CreateOptions,
  startNow: boolean,
): Promise<Started> {
  const bundle = loadBundle(options.bundle ?? process.cwd());
  const creation = new Creation(context, id, bundle, options, startNow);
  creation.check();
  const undo = new Undo();
  try {
    const started = await creation.run(undo);
    undo.commit();
    return started;
  } catch (error) {
    for (const { what, error: why } of await undo.run())
      context.warn(`could not ${what}: ${String(why)}`);
    if (error instanceof TsruncError && error.code === 'HOOK_FAILED') {
      await creation.runPoststopHooks();
    }
    options.signal?.throwIfAborted();
    throw error;
  }
}

class Creation {
  readonly #context: Context;
  readonly #id: string;
  readonly #bundle: Bundle;
  readonly #options: CreateOptions;
  readonly #startNow: boolean;
  readonly #process: Process;
  /** How many descriptors from 3 on go to the container. */
  readonly #preserved: number;
  /** The process that makes the namespaces. */
  #stage: InitProcess | undefined;
  #init: InitProcess | undefined;
  #console: number | undefined;
  #state: StoredState;

  constructor(
    context: Context,
    id: string,
    bundle: Bundle,
    options: CreateOptions,
    startNow: boolean,
  ) {
    const { spec } = bundle;
    const agent = agentOf(spec);
    this.#context = context;
    this.#id = id;
    this.#bundle = bundle;
    this.#options = options;
    this.#startNow = startNow;
    this.#process = spec.process as Process;
    this.#preserved = (options.listenFds ?? 0) + (options.preserveFds ?? 0);
    this.#state = {
      format: 1,
      ociVersion: spec.ociVersion,
      id,
      bundle: bundle.path,
      rootfs: bundle.rootfs,
      created: new Date().toISOString(),
      annotations: spec.annotations ?? {},
      owner: '',
      phase: 'creating',
      hooks: spec.hooks ?? {},
      ...(agent === undefined ? {} : { seccompAgent: agent }),
      ...(options.pidFile === undefined ? {} : { pidFile: resolve(options.pidFile) }),
    };
  }

  /** What can be found wrong with the call before anything is made. */
  check(): void {
    const { consoleSocket } = this.#options;
    const terminal = this.#process.terminal === true;
    if (terminal && consoleSocket === undefined && !this.#startNow) {
      throw badArgument(
        'the process wants a terminal: name the socket that takes it with --console-socket',
      );
    }
    if (!terminal && consoleSocket !== undefined) {
      throw badArgument(
        '--console-socket is given, but process.terminal in config.json is not true',
      );
    }
    for (let fd = 3; fd < 3 + this.#preserved; fd++) requireInherited(fd);
  }

  async run(undo: Undo): Promise<Started> {
    const { store, warn } = this.#context;
    const cgroup = cgroupOf(this.#context, this.#id, this.#bundle.spec);
    const program = plan(
      {
        spec: this.#bundle.spec,
        host: this.#context.host,
        id: this.#id,
        bundle: this.#bundle.path,
        rootfs: this.#bundle.rootfs,
        ...(cgroup === undefined ? {} : { cgroup: cgroup.location }),
        joinFiles: cgroup?.joinFiles ?? [],
        noPivot: this.#options.noPivot ?? false,
        noNewKeyring: this.#options.noNewKeyring ?? false,
        preserveFds: this.#preserved,
        listenFds: this.#options.listenFds ?? 0,
        awaitStart: !this.#startNow,
      },
      warn,
    );
    this.#state = { ...this.#state, owner: await ownerName() };
    const bytes = encode(program, await compileFilters(this.#context, program));
    this.#options.signal?.throwIfAborted();

    const folder = store.create(this.#id);
    const lock = await folder.lock(this.#options.signal);
    // Between the two another delete and create may have come: then the folder is theirs.
    if (folder.read() !== undefined) {
      lock.release();
      throw containerExists(this.#id);
    }
    // The lock goes last: until then nobody may make another container of this name.
    undo.add('remove the state', () => {
      folder.remove();
      lock.release();
    });
    // Written down before it is made: a create that is killed leaves nothing that `delete` doesn't know of.
    if (cgroup !== undefined) this.#state = { ...this.#state, cgroup: cgroup.location };
    folder.write(this.#state);
    if (cgroup !== undefined) this.#makeCgroup(cgroup, undo);
    const started = await this.#start(program, bytes, folder, cgroup, undo);
    lock.release();
    return started;
  }

  /** runtime.md, "Lifecycle": they are due after a failed hook too, once all is undone. */
  async runPoststopHooks(): Promise<void> {
    const { native, warn } = this.#context;
    const state = { ...this.#publicState('stopped'), pid: 0 };
    await runHooks('poststop', this.#state.hooks.poststop, state, {
      native,
      warn: (failure) => warn(failure.message),
    });
  }

  #makeCgroup(cgroup: Cgroup, undo: Undo): void {
    cgroup.create();
    undo.add('remove the cgroup', () => cgroup.remove());
    const resources = this.#bundle.spec.linux?.resources;
    if (resources === undefined) return;
    const { pids: _, ...others } = resources;
    cgroup.apply(others);
  }

  /** Spawns init and leads it to the state "created", and on where it is to start now. */
  async #start(
    program: Program,
    bytes: Uint8Array,
    folder: ContainerFolder,
    cgroup: Cgroup | undefined,
    undo: Undo,
  ): Promise<Started> {
    const { native } = this.#context;
    const fail: FailureOf = {
      reported: (failure) => initError(failure, 'create', program),
      silent: async () => silentEnd((await this.#init?.exited()) ?? { code: 1 }, 'create'),
    };
    const stdio = prepareStdio(native, this.#options.stdio);
    undo.add('close the pipes', () => stdio.closeOurs());
    const socket = this.#spawn(bytes, stdio, folder, cgroup, undo);
    // Before there is an init, the stage may hang on the way to it.
    const abort = (): void => void (this.#init ?? this.#stage)?.end();
    this.#options.signal?.addEventListener('abort', abort, { once: true });
    try {
      await awaitCreated(native, socket, this.#parent(undo, abort), fail);
      // Last, since setting up takes two processes for a moment and the user may want one only.
      const pids = this.#bundle.spec.linux?.resources?.pids;
      if (cgroup !== undefined && pids !== undefined) cgroup.apply({ pids });
      this.#finish(folder, undo);
      if (this.#startNow) {
        replyWithState(native, socket, 'start', this.#stateFor('created'));
        await awaitExec(native, socket, fail, (listener) =>
          tellAgent(native, this.#state.seccompAgent, this.#publicState('created'), listener),
        );
        this.#options.signal?.throwIfAborted();
        await runHooks(
          'poststart',
          this.#state.hooks.poststart,
          this.#publicState('running'),
          this.#hookOptions(),
        );
      } else {
        reply(native, socket, 'commit');
      }
    } finally {
      this.#options.signal?.removeEventListener('abort', abort);
      native.close(socket);
    }
    return { init: this.#init as InitProcess, state: this.#state, stdio, console: this.#console };
  }

  /** Starts the stage. Its descriptors: the container's own first, then the socket, the Program, the listener. */
  #spawn(
    bytes: Uint8Array,
    stdio: PreparedStdio,
    folder: ContainerFolder,
    cgroup: Cgroup | undefined,
    undo: Undo,
  ): number {
    const { native } = this.#context;
    const preserved = Array.from({ length: this.#preserved }, (_, index) => 3 + index);
    const [ours, theirs] = native.socketPair();
    const given = [theirs];
    let birthplace: number | undefined;
    try {
      given.push(native.memfd('tsrunc-program', bytes));
      if (cgroup?.birthplace !== undefined) birthplace = openSync(cgroup.birthplace, O_PATH);
      if (!this.#startNow) given.push(native.listen(folder.path(START_SOCKET)));
      const stage = native.spawn({
        fds: [...stdio.fds, ...preserved, ...given],
        args: [String(3 + preserved.length)],
        ...(birthplace === undefined ? {} : { cgroup: birthplace }),
      });
      const process = new InitProcess(native, stage.pid, stage.pidfd);
      this.#stage = process;
      undo.add('end the stage', () => process.end());
      return ours;
    } catch (error) {
      native.close(ours);
      throw error;
    } finally {
      for (const fd of given) native.close(fd);
      if (birthplace !== undefined) closeSync(birthplace);
      stdio.closeTheirs();
    }
  }

  #parent(undo: Undo, abort: () => void) {
    const { native, host } = this.#context;
    const { hooks } = this.#state;
    return {
      needIdMaps: () => writeIdMaps(this.#stage?.pid ?? 0, this.#bundle.spec.linux ?? {}, host),
      cloned: (pid: number, pidfd: number): void => {
        const init = new InitProcess(native, pid, pidfd);
        this.#init = init;
        undo.add('end init', () => init.end());
        if (this.#options.signal?.aborted) abort();
        const { pidfdSocket } = this.#options;
        if (pidfdSocket !== undefined) sendPidfd(native, pidfdSocket, pidfd);
      },
      console: (master: number): void => {
        this.#console = master;
        undo.add('close the terminal', () => {
          if (this.#console !== undefined) native.close(this.#console);
        });
        const { consoleSocket, windowSize } = this.#options;
        if (windowSize !== undefined) native.setWindowSize(master, windowSize);
        if (consoleSocket === undefined) return;
        sendConsole(native, consoleSocket, master);
        native.close(master);
        this.#console = undefined;
      },
      hooksDue: async (): Promise<string> => {
        const state = this.#publicState('creating');
        const options = this.#hookOptions();
        await runHooks('prestart', hooks.prestart, state, options);
        await runHooks('createRuntime', hooks.createRuntime, state, options);
        return JSON.stringify(state);
      },
    };
  }

  /** Writes down that there is a container now. */
  #finish(folder: ContainerFolder, undo: Undo): void {
    const { pid } = this.#init as InitProcess;
    this.#state = {
      ...this.#state,
      phase: this.#startNow ? 'running' : 'created',
      init: identify(pid),
    };
    folder.write(this.#state);
    const { pidFile } = this.#state;
    if (pidFile === undefined) return;
    writePidFile(pidFile, this.#id, pid);
    undo.add('remove the pid file', () => removePidFile(pidFile));
  }

  #hookOptions() {
    const { signal } = this.#options;
    return { native: this.#context.native, ...(signal === undefined ? {} : { signal }) };
  }

  #stateFor(status: State['status']): string {
    return JSON.stringify(this.#publicState(status));
  }

  #publicState(status: State['status']): State {
    const { ociVersion, id, bundle, rootfs, created, annotations, owner } = this.#state;
    return {
      ociVersion,
      id,
      pid: this.#init?.pid ?? 0,
      status,
      bundle,
      rootfs,
      created,
      annotations,
      owner,
    };
  }
}

/** open(2)'s flag, which Node has no name for. */
const O_PATH = 0o10000000;

function badArgument(message: string): TsruncError {
  return new TsruncError(message, { code: 'INVALID_ARGUMENT' });
}
