import { resolve } from 'node:path';
import type { Cgroup } from '../cgroup/cgroup.js';
import type { NotifyProxy } from '../console/notify-proxy.js';
import { TsruncError } from '../errors.js';
import { knownParts } from '../hooks/known-parts.js';
import { runHooks } from '../hooks/run.js';
import { encode } from '../native/encode.js';
import type { Program } from '../plan/operations.js';
import { plan } from '../plan/plan.js';
import { containerExists } from '../state/failure.js';
import type { ContainerFolder } from '../state/folder.js';
import { identify } from '../state/process.js';
import type { ProcessIdentity, State, StoredState } from '../state/state.js';
import { Undo } from '../undo.js';
import { type Bundle, loadBundle } from './bundle.js';
import { listenFdNames, ownerName, requireInherited, requireNoHooks } from './caller.js';
import { compileFilters } from './compile-filters.js';
import { awaitedCgroup, cgroupOf, setUpCgroup } from './container-cgroup.js';
import type { Context } from './context.js';
import { nothingToStart } from './failures.js';
import { writeIdMaps } from './id-maps.js';
import type { InitProcess } from './init-process.js';
import { Launch, type ParentDuties } from './launch.js';
import type { CreateOptions } from './options.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { Provisions } from './provisions.js';
import { agentOf, tellAgent } from './seccomp-agent.js';
import { START_SOCKET } from './start-socket.js';
import { type PreparedStdio, prepareStdio } from './stdio.js';
import { inTurn, passTurn } from './turns.js';

/** What is left to a caller who goes on with the container. */
export interface Started {
  readonly init: InitProcess;
  readonly state: StoredState;
  readonly stdio: PreparedStdio;
  /** The terminal's master, when nobody else took it. */
  readonly console: number | undefined;
  /** The notification socket's, of one that was started at once. */
  readonly proxy: NotifyProxy | undefined;
}

/**
 * Creates a container; with `startNow` it is started at once, over the same socket, without a wait for `start`.
 * Whatever fails, and when `options.signal` fires: all is undone.
 */
export function createContainer(
  context: Context,
  id: string,
  options: CreateOptions,
  startNow: boolean,
): Promise<Started> {
  return inTurn(async () => {
    const bundle = loadBundle(options.bundle ?? context.caller.directory);
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
    } finally {
      creation.close();
    }
  });
}

class Creation {
  readonly #context: Context;
  readonly #id: string;
  readonly #bundle: Bundle;
  readonly #options: CreateOptions;
  readonly #startNow: boolean;
  readonly #provisions: Provisions;
  /** How many descriptors from 3 on go to the container. */
  readonly #preserved: number;
  #launch: Launch | undefined;
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
    this.#provisions = new Provisions(context, id, spec, options);
    this.#preserved = (options.listenFds ?? 0) + (options.preserveFds ?? 0);
    this.#state = {
      format: 1,
      ociVersion: spec.ociVersion,
      id,
      bundle: bundle.path,
      rootfs: bundle.rootfs,
      created: context.native.utcTime(),
      annotations: spec.annotations ?? {},
      owner: '',
      phase: 'creating',
      hooks: knownParts(spec.hooks ?? {}),
      ...(spec.process === undefined ? { noProcess: true } : {}),
      ...(options.noNewKeyring ? { noNewKeyring: true } : {}),
      ...(agent === undefined ? {} : { seccompAgent: agent }),
      ...(options.pidFile === undefined ? {} : { pidFile: resolve(options.pidFile) }),
    };
  }

  /** What can be found wrong with the call before anything is made. */
  check(): void {
    const { consoleSocket } = this.#options;
    const { process } = this.#bundle.spec;
    if (process === undefined && this.#startNow) throw nothingToStart(this.#id);
    const terminal = process?.terminal === true;
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
    const { caller } = this.#context;
    for (let fd = 3; fd < 3 + this.#preserved; fd++) requireInherited(caller, fd);
    if (terminal && this.#startNow) caller.alone('the terminal');
    requireNoHooks(caller, this.#state.hooks);
    // In paths of the configuration.
    if (/\/proc\/(self|thread-self)\b/.test(this.#bundle.text)) caller.alone('its own /proc');
  }

  async run(undo: Undo): Promise<Started> {
    const { store, warn, caller } = this.#context;
    const cgroup = await cgroupOf(this.#context, this.#id, this.#bundle.spec);
    cgroup?.refuse(this.#bundle.spec.linux?.resources ?? {});
    const program = plan(
      {
        spec: this.#provisions.spec,
        host: this.#context.host,
        id: this.#id,
        bundle: this.#bundle.path,
        rootfs: this.#bundle.rootfs,
        folder: store.path(this.#id),
        ...(cgroup === undefined ? {} : { cgroup: cgroup.location }),
        ...awaitedCgroup(cgroup),
        joinFiles: cgroup?.joinFiles ?? [],
        noPivot: this.#options.noPivot ?? false,
        noNewKeyring: this.#options.noNewKeyring ?? false,
        preserveFds: this.#preserved,
        listenFds: this.#options.listenFds ?? 0,
        ...(this.#options.openFiles === undefined ? {} : { openFiles: this.#options.openFiles }),
        ...listenFdNames(this.#options),
        awaitStart: !this.#startNow,
      },
      warn,
    );
    this.#state = { ...this.#state, owner: await ownerName() };
    const bytes = encode(program, await compileFilters(this.#context, program));
    this.#state = { ...this.#state, ...(await this.#provisions.check(this.#id)) };
    await passTurn();
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
    caller.took(['--root', store.root, 'delete', '--force', '--', this.#id]);
    // Written down before it is made: a create that is killed leaves nothing that `delete` doesn't know of.
    if (cgroup !== undefined) this.#state = { ...this.#state, cgroup: cgroup.location };
    folder.write(this.#state);
    await this.#provisions.make(folder, this.#startNow, undo);
    const started = await this.#start(program, bytes, folder, cgroup, undo);
    lock.release();
    return started;
  }

  /** To be called at last, when nothing is to be undone any more. */
  close(): void {
    this.#provisions.close();
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

  /** Spawns init and leads it to the state "created", and on where it is to start now. */
  async #start(
    program: Program,
    bytes: Uint8Array,
    folder: ContainerFolder,
    cgroup: Cgroup | undefined,
    undo: Undo,
  ): Promise<Started> {
    const { native } = this.#context;
    const stdio = prepareStdio(native, this.#options.stdio);
    undo.add('close the pipes', () => stdio.close());
    let record = (): void => {};
    const launch = new Launch(native, program, this.#options, {
      stage: 'create',
      undo,
      reap: this.#context.reap,
      cloned: (pid) => {
        this.#provisions.cloned(pid);
        // Here, since init makes its mounts meanwhile.
        record = this.#record(pid, folder);
      },
      deliver: (listener) =>
        tellAgent(
          native,
          this.#state.seccompAgent,
          this.#publicState('created'),
          launch.pid,
          listener,
        ),
    });
    this.#launch = launch;
    await this.#spawn(launch, bytes, folder, stdio, cgroup, undo);
    await launch.lead(this.#duties(cgroup, undo), async () => {
      // Last, since setting up takes two processes for a moment and the user may want one only.
      const pids = this.#bundle.spec.linux?.resources?.pids;
      if (cgroup !== undefined && pids !== undefined) await cgroup.apply({ pids });
      record();
      this.#writePidFile(launch.pid, undo);
      if (this.#startNow) await this.#begin(launch);
      else await launch.commit();
    });
    this.#context.caller.atEnd(() => launch.init.release());
    return {
      init: launch.init,
      state: this.#state,
      stdio,
      console: launch.console,
      proxy: this.#provisions.proxy,
    };
  }

  /** Starts the stage. Its cgroups are made before, where it is born into one, or meanwhile. */
  async #spawn(
    launch: Launch,
    bytes: Uint8Array,
    folder: ContainerFolder,
    stdio: PreparedStdio,
    cgroup: Cgroup | undefined,
    undo: Undo,
  ): Promise<void> {
    const { native, host } = this.#context;
    // systemd's is made when there is a process for it.
    const ours = cgroup?.begin === undefined ? cgroup : undefined;
    const make = async (): Promise<void> => {
      if (ours !== undefined) await setUpCgroup(ours, this.#bundle.spec, host, undo);
    };
    const birthplace = ours?.birthplace;
    if (birthplace !== undefined) await make();
    await passTurn();
    const listener = this.#startNow ? undefined : native.listen(folder.path(START_SOCKET));
    const equipment = {
      stdio,
      preserved: this.#preserved,
      ...(listener === undefined ? {} : { given: listener }),
      ...(birthplace === undefined ? {} : { birthplace }),
    };
    try {
      await launch.spawn(bytes, equipment, birthplace === undefined ? make : undefined);
    } finally {
      if (listener !== undefined) native.close(listener);
    }
  }

  /** Has systemd make the scope, with the stage in it. */
  async #beginCgroup(cgroup: Cgroup | undefined, undo: Undo): Promise<void> {
    const { spec } = this.#bundle;
    const { linux, annotations = {} } = spec;
    if (cgroup?.begin === undefined) return;
    await cgroup.begin({
      id: this.#id,
      pid: this.#launch?.stagePid ?? 0,
      annotations,
      devices: linux?.resources?.devices,
    });
    await setUpCgroup(cgroup, spec, this.#context.host, undo);
  }

  async #begin(launch: Launch): Promise<void> {
    const { startContainer = [], poststart } = this.#state.hooks;
    await launch.begin(startContainer.length > 0 ? this.#publicState('created') : undefined);
    await runHooks('poststart', poststart, this.#publicState('running'), this.#hookOptions());
  }

  #duties(cgroup: Cgroup | undefined, undo: Undo): ParentDuties {
    const { host } = this.#context;
    const { hooks } = this.#state;
    return {
      netDevicesDue: () => this.#provisions.moveNetDevices(this.#launch?.pid ?? 0, undo),
      cgroupDue: () => this.#beginCgroup(cgroup, undo),
      needIdMaps: () =>
        writeIdMaps(this.#launch?.stagePid ?? 0, this.#bundle.spec.linux ?? {}, host),
      hooksDue: async (): Promise<State> => {
        const state = this.#publicState('creating');
        const options = this.#hookOptions();
        await runHooks('prestart', hooks.prestart, state, options);
        await runHooks('createRuntime', hooks.createRuntime, state, options);
        return state;
      },
    };
  }

  /** Prepares what says that there is a container; the result writes it down. */
  #record(pid: number, folder: ContainerFolder): () => void {
    folder.writeConfig(this.#bundle.text);
    let init: ProcessIdentity;
    try {
      init = identify(pid);
    } catch (error) {
      // Why it has ended comes from itself, or nothing does.
      return () => {
        throw error;
      };
    }
    const phase = this.#startNow ? 'running' : 'created';
    const state: StoredState = { ...this.#state, phase, init };
    const commit = folder.prepare(state);
    return () => {
      commit();
      this.#state = state;
    };
  }

  #writePidFile(pid: number, undo: Undo): void {
    const { pidFile } = this.#state;
    if (pidFile === undefined) return;
    writePidFile(pidFile, this.#id, pid);
    undo.add('remove the pid file', () => removePidFile(pidFile));
  }

  #hookOptions() {
    const { signal } = this.#options;
    return { native: this.#context.native, ...(signal === undefined ? {} : { signal }) };
  }

  #publicState(status: State['status']): State {
    const { ociVersion, id, bundle, rootfs, created, annotations, owner } = this.#state;
    return {
      ociVersion,
      id,
      pid: this.#launch?.pid ?? 0,
      status,
      bundle,
      rootfs,
      created,
      annotations,
      owner,
    };
  }
}

function badArgument(message: string): TsruncError {
  return new TsruncError(message, { code: 'INVALID_ARGUMENT' });
}
