import type { CgroupLocation } from '../cgroup/cgroup.js';
import type { Host } from '../host/host.js';
import type { Spec } from '../spec/types.js';

/** Everything that a plan is made of. Planning reads nothing else. */
export interface PlanRequest {
  /** Validated, and free of what isn't supported. */
  readonly spec: Spec;
  readonly host: Host;
  readonly id: string;
  /** The bundle's absolute path: relative mount sources start there. */
  readonly bundle: string;
  /** The root file system's absolute path, without links. */
  readonly rootfs: string;
  /** The container's folder of the state: no other user can look into it. */
  readonly folder: string;
  /** The container's cgroup, unless there is none. */
  readonly cgroup?: CgroupLocation;
  /** Who makes the cgroup while the process already waits for it, if anybody does; systemd also puts the process into it. */
  readonly awaitCgroup?: 'caller' | 'systemd';
  /** The cgroup.procs files that the container joins by writing itself into them. */
  readonly joinFiles: readonly string[];
  /** Move the root instead of pivot_root. */
  readonly noPivot: boolean;
  /** Stay in the caller's session keyring. */
  readonly noNewKeyring: boolean;
  /** How many descriptors from 3 on the container gets, those of socket activation included. */
  readonly preserveFds: number;
  /** How many of them, the first, are for socket activation (LISTEN_FDS). */
  readonly listenFds: number;
  /** The soft RLIMIT_NOFILE that the caller had, where it is known: Node has raised its own. */
  readonly openFiles?: number;
  /** Their names, if they have any (LISTEN_FDNAMES). */
  readonly listenFdNames?: string;
  /** Whether `start` comes later, over the listening socket. */
  readonly awaitStart: boolean;
}

/** A plan, and what the specification wants the operator to be warned of. */
export type Warn = (message: string) => void;
