import type { Readable, Writable } from 'node:stream';
import type { Cancellation } from '../cancellation.js';
import type { ExitStatus, WindowSize } from '../native/native.js';
import type { Process } from '../spec/types.js';
import type { Reap } from './init-process.js';

export interface RuntimeOptions {
  /** The folder with the state of this runtime's containers. Default: /run/tsrunc, or $XDG_RUNTIME_DIR/tsrunc when not root. */
  readonly root?: string;
  /** Who makes cgroups: `cgroupfs` (default): tsrunc itself; `systemd`: it makes a scope for each container; `disabled`: nobody, and limits are refused. */
  readonly cgroupManager?: 'cgroupfs' | 'systemd' | 'disabled';
  /**
   * Which of the processes that it started this program reaps when they end: `all` (default), or those that are `awaited`
   * alone. The latter is for a program that ends soon, and whose parent waits for the others.
   */
  readonly reap?: Reap;
  /** Hears what an operator should know and what stops nothing: a hook that failed after the start, a capability that can't be granted. */
  readonly onWarning?: (message: string) => void;
}

export interface CreateOptions {
  /** The folder with config.json. Default: the working directory. */
  readonly bundle?: string;
  /** Where to write the pid of the container's first process (decimal, no newline). */
  readonly pidFile?: string;
  /** An AF_UNIX stream socket to send the terminal's master to. */
  readonly consoleSocket?: string;
  /** The terminal's size from the start. Default: process.consoleSize. */
  readonly windowSize?: WindowSize;
  /** An AF_UNIX stream socket to send a pidfd of the container's first process to. */
  readonly pidfdSocket?: string;
  /** Move the root instead of pivot_root, for a root on a ramdisk. */
  readonly noPivot?: boolean;
  /** Stay in the caller's session keyring. */
  readonly noNewKeyring?: boolean;
  /** How many of this process's descriptors, from 3 on, are sockets that the container gets by sd_listen_fds(3). */
  readonly listenFds?: number;
  /** How many of this process's descriptors, from 3 + `listenFds` on, the container gets as they are. */
  readonly preserveFds?: number;
  /**
   * The soft RLIMIT_NOFILE of a container whose configuration has none. Default: this process's own, which Node
   * has raised to the hard one. Programs that use select(2), or close all that they could have open, mind.
   */
  readonly openFiles?: number;
  /** What LISTEN_FDNAMES says to the container: the names of those sockets, with colons between. */
  readonly listenFdNames?: string;
  /** The service manager's socket (sd_notify(3)): the container gets one of its own, and `start` or `run` with the same option pass on that it is ready. */
  readonly notifySocket?: string;
  /** What becomes descriptors 0, 1 and 2 of the container. Default: the caller's own. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio];
  /** An AbortSignal, as a rule. Aborting kills what was started and undoes what was made. */
  readonly signal?: Cancellation;
}

/** `inherit`: the caller's own; `ignore`: /dev/null; `pipe`: a stream (run only); a number: that descriptor of this process. */
export type Stdio = 'inherit' | 'ignore' | 'pipe' | number;

export interface RunOptions extends CreateOptions {
  /** Leave the container, stopped, when its process has ended. Default: delete it. */
  readonly keep?: boolean;
}

export interface StartOptions {
  /** The service manager's socket: resolves only when the container has said that it is ready, or has ended. Only for one that was created with such a socket. */
  readonly notifySocket?: string;
}

/** Another process in a container: `process` whole, or the container's own with `args` and what else is given. */
export interface ExecOptions
  extends Pick<
    CreateOptions,
    | 'pidFile'
    | 'consoleSocket'
    | 'windowSize'
    | 'pidfdSocket'
    | 'listenFds'
    | 'listenFdNames'
    | 'preserveFds'
    | 'stdio'
    | 'signal'
  > {
  /** config.md, "Process". */
  readonly process?: Process;
  /** The program and its arguments. */
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** `NAME=value`, added to the container's. */
  readonly env?: readonly string[];
  /** Whether it gets a terminal of its own. Default: false. */
  readonly terminal?: boolean;
  readonly user?: { readonly uid: number; readonly gid?: number };
  /** Added to the container's. */
  readonly additionalGids?: readonly number[];
  /** Added to the bounding, effective and permitted set. */
  readonly capabilities?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  /** Cgroups below the container's to be in: `PATH`, or `CONTROLLER:PATH` on cgroup v1. They must exist. */
  readonly cgroup?: readonly string[];
  /** Join a paused container too; the process then waits until it is resumed. */
  readonly ignorePaused?: boolean;
}

export interface KillOptions {
  /** Signal every process of the container; no error when it has stopped. */
  readonly all?: boolean;
}

export interface DeleteOptions {
  /** Kill it first when it still runs; no error when there is no such container. */
  readonly force?: boolean;
}

/** A process that this one started in a container. */
export interface RunningProcess {
  /** As the host numbers it. */
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The terminal's master when the process has a terminal and no console socket was named. Who takes it closes it. */
  readonly console: number | null;
  /** Resolves when it has ended; a container of `run` is then deleted, unless `keep`. */
  wait(): Promise<ExitStatus>;
  /** Sends it a signal: a number, or a name with or without SIG. */
  kill(signal?: string | number): void;
}

/** A container that this process started with `run`, as its first process. */
export interface RunningContainer extends RunningProcess {
  readonly id: string;
}
