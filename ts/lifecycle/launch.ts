import type { Cancellation } from '../cancellation.js';
import { sendConsole, sendPidfd } from '../console/socket.js';
import { loadNative } from '../native/addon.js';
import type { Native, SpawnedProcess, WindowSize } from '../native/native.js';
import type { Program } from '../plan/operations.js';
import type { State } from '../state/state.js';
import type { Undo } from '../undo.js';
import {
  awaitCreated,
  awaitExec,
  commit,
  type FailureOf,
  type Parent,
  reply,
  replyWithState,
  STAGE_ENDED,
} from './conversation.js';
import { initError, silentEnd } from './failures.js';
import { InitProcess, type Reap } from './init-process.js';
import type { PreparedStdio } from './stdio.js';

/** What its caller wants of a process that is launched. */
export interface LaunchOptions {
  readonly consoleSocket?: string;
  readonly windowSize?: WindowSize;
  readonly pidfdSocket?: string;
  readonly signal?: Cancellation;
}

/** What only its caller can do when init asks. */
export type ParentDuties = Pick<Parent, 'cgroupDue' | 'needIdMaps' | 'netDevicesDue' | 'hooksDue'>;

/** What a stage is spawned with. */
export interface Equipment {
  readonly stdio: PreparedStdio;
  /** How many of this process's descriptors from 3 on go along. */
  readonly preserved: number;
  /** What init is given besides the socket and the Program. It stays the caller's to close. */
  readonly given?: number;
  /** A cgroup2 directory to be born in. */
  readonly birthplace?: string;
}

/** Where a launch belongs. */
export interface LaunchPlace {
  /** What its errors say of when it was: `create`, `exec`. */
  readonly stage: string;
  readonly undo: Undo;
  /** Hears of init's pid before init does anything of note. */
  readonly cloned: (pid: number) => void;
  /** Passes the descriptor of its filter's notifications on, and doesn't keep it. */
  readonly deliver: (listener: number) => void;
  /** Whether the end of init is taken here if nobody asks for it. */
  readonly reap: Reap;
}

/**
 * A process on its way into a container: spawned as the stage, then init, then the user's program. What was
 * made for it is undone through `undo`.
 */
export class Launch {
  readonly #native: Native;
  readonly #options: LaunchOptions;
  readonly #undo: Undo;
  readonly #fail: FailureOf;
  #stage: InitProcess | undefined;
  #init: InitProcess | undefined;
  #console: number | undefined;
  #socket = -1;
  /** Rejects when the end of the stage can't be told: that ends `lead`. */
  readonly #broken: Promise<never>;
  #breakOff: (why: unknown) => void = () => {};
  readonly #cloned: (pid: number) => void;
  readonly #reap: Reap;
  readonly #deliver: (listener: number) => void;
  /** The stage waits for a word of ours from the start. */
  readonly #isHeld: boolean;

  constructor(
    native: Native,
    program: Program,
    options: LaunchOptions,
    { stage, undo, cloned, deliver, reap }: LaunchPlace,
  ) {
    this.#cloned = cloned;
    this.#reap = reap;
    this.#deliver = deliver;
    this.#isHeld = program.stage.some((each) => each.op === 'awaitCgroup' && !each.announced);
    this.#broken = new Promise<never>((_, reject) => {
      this.#breakOff = reject;
    });
    this.#broken.catch(() => {});
    this.#native = native;
    this.#options = options;
    this.#undo = undo;
    this.#fail = {
      reported: (failure) => initError(failure, stage, program),
      silent: async () => silentEnd(await (this.#init ?? this.#stage)?.exited(), stage),
    };
  }

  /** The process, once it is cloned. */
  get init(): InitProcess {
    return this.#init as InitProcess;
  }

  /** The process's pid as the host numbers it; 0 before it is cloned. */
  get pid(): number {
    return this.#init?.pid ?? 0;
  }

  /** The process that makes the namespaces, as the host numbers it. */
  get stagePid(): number {
    return this.#stage?.pid ?? 0;
  }

  /** The terminal's master, when nobody else took it. */
  get console(): number | undefined {
    return this.#console;
  }

  /**
   * Starts the stage, and does something `meanwhile`. Its descriptors: the container's own first, then the socket, the
   * Program, what else is given. It may have failed already when this resolves: `lead` hears of it.
   */
  async spawn(
    program: Uint8Array,
    { stdio, preserved, given, birthplace }: Equipment,
    meanwhile: () => void | Promise<void> = () => {},
  ): Promise<void> {
    const native = this.#native;
    const [ours, theirs] = native.socketPair();
    let memfd: number | undefined;
    let cgroup: number | undefined;
    try {
      memfd = native.memfd('tsrunc-program', program);
      if (birthplace !== undefined) cgroup = loadNative().open(birthplace, O_PATH);
      const passed = Array.from({ length: preserved }, (_, index) => 3 + index);
      const spawned = Promise.resolve(
        native.spawn({
          callers: [...stdio.fds, ...passed],
          fds: [theirs, memfd, ...(given === undefined ? [] : [given])],
          args: [String(3 + preserved)],
          ...(cgroup === undefined ? {} : { cgroup }),
        }),
      );
      // It is awaited whatever comes of the other.
      spawned.catch(() => {});
      try {
        await meanwhile();
      } finally {
        this.#adopt(await spawned, ours, theirs);
      }
    } catch (error) {
      if (this.#stage === undefined) {
        native.close(ours);
        native.close(theirs);
      }
      throw error;
    } finally {
      if (memfd !== undefined) native.close(memfd);
      if (cgroup !== undefined) loadNative().close(cgroup);
      stdio.closeTheirs();
    }
  }

  #adopt({ pid, pidfd }: SpawnedProcess, ours: number, theirs: number): void {
    const stage = new InitProcess(this.#native, pid, pidfd, 'all');
    this.#stage = stage;
    this.#socket = ours;
    this.#undo.add('end the stage', async () => {
      await stage.end();
      this.#close();
    });
    void this.#noteEnd(stage, theirs);
  }

  /** Says that the stage has ended, and gives up what it had of the socket. */
  async #noteEnd(stage: InitProcess, theirs: number): Promise<void> {
    try {
      await stage.ended;
      // Closed: nobody listens any more.
      if (this.#socket >= 0) this.#native.send(theirs, STAGE_ENDED);
    } catch (error) {
      this.#breakOff(error);
    } finally {
      this.#native.close(theirs);
    }
  }

  /**
   * Leads it to where it is created, `parent` doing what has to be done meanwhile, then calls `proceed`, which
   * says by `begin` or `commit` how it goes on. The options' signal ends it at any moment. A stage that waits for its
   * cgroups goes on with this: they are there.
   */
  async lead(parent: ParentDuties, proceed: () => void | Promise<void>): Promise<void> {
    const { signal } = this.#options;
    let patience: NodeJS.Timeout | undefined;
    // A stage that is killed just after the clone leaves an init that nobody has heard of: so it gets the time to
    // tell of it, and is killed only where it hangs on the way.
    const abort = (): void => {
      if (this.#init !== undefined) void this.#init.end();
      else patience ??= setTimeout(() => void this.#giveUp(), PATIENCE);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted) abort();
      if (this.#isHeld) reply(this.#native, this.#socket, 'proceed');
      const all = { ...parent, ...this.#ownDuties(abort) };
      await Promise.race([this.#broken, awaitCreated(this.#native, this.#socket, all, this.#fail)]);
      await proceed();
    } finally {
      signal?.removeEventListener('abort', abort);
      clearTimeout(patience);
      this.#close();
    }
  }

  /** Ends the stage, and by the end of the socket whatever it may have made. */
  async #giveUp(): Promise<void> {
    await this.#stage?.end();
    this.#close();
  }

  #close(): void {
    if (this.#socket >= 0) this.#native.close(this.#socket);
    this.#socket = -1;
  }

  /** To a created one: become the user's program. `state` is for the hooks on the way. Resolves when it has. */
  async begin(state?: State): Promise<void> {
    if (state === undefined) reply(this.#native, this.#socket, 'start');
    else replyWithState(this.#native, this.#socket, 'start', state);
    await awaitExec(this.#native, this.#socket, this.#fail, this.#deliver);
    this.#options.signal?.throwIfAborted();
  }

  /** To a created one: wait for the start on what it was given. */
  commit(): Promise<void> {
    return commit(this.#native, this.#socket, this.#fail);
  }

  #ownDuties(abort: () => void): Pick<Parent, 'cloned' | 'console'> {
    const native = this.#native;
    const { consoleSocket, windowSize, pidfdSocket, signal } = this.#options;
    return {
      cloned: (pid, pidfd) => {
        const init = new InitProcess(native, pid, pidfd, this.#reap);
        this.#init = init;
        this.#undo.add('end init', () => init.end());
        if (signal?.aborted) abort();
        this.#cloned(pid);
        if (pidfdSocket !== undefined) sendPidfd(native, pidfdSocket, pidfd);
      },
      console: (master) => {
        this.#console = master;
        this.#undo.add('close the terminal', () => {
          if (this.#console !== undefined) native.close(this.#console);
        });
        if (windowSize !== undefined) native.setWindowSize(master, windowSize);
        if (consoleSocket === undefined) return;
        sendConsole(native, consoleSocket, master);
        native.close(master);
        this.#console = undefined;
      },
    };
  }
}

/** How long an aborted stage may take to its end, in milliseconds. */
const PATIENCE = 2000;

/** open(2)'s flag, which Node has no name for. */
const O_PATH = 0o10000000;
