import type { CgroupLocation } from '../cgroup/cgroup.js';
import type { ResctrlGroups } from '../resctrl/group.js';
import type { Hooks } from '../spec/types.js';

/** The status of a container; `paused` is runc's addition to the specification's four. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** runtime.md, "State", and what runc adds to it: what `tsrunc state` prints. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 once stopped. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The name of the user who made it. */
  readonly owner: string;
}

/** What state.json holds. The rest of `State` is worked out from the kernel each time. */
export interface StoredState {
  readonly format: 1;
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly owner: string;
  /** How far the lifecycle got, as far as it was written down. */
  readonly phase: 'creating' | 'created' | 'running';
  /** The container's first process, once there is one. */
  readonly init?: ProcessIdentity;
  readonly cgroup?: CgroupLocation;
  /** Its class of service and its monitoring group. */
  readonly resctrl?: ResctrlGroups;
  /** config.json's hooks as they were at create: later changes of the bundle have no effect. */
  readonly hooks: Hooks;
  /** Whether config.json had no `process`: then there is nothing to start. */
  readonly noProcess?: boolean;
  /** Whether the container's processes stay in their caller's session keyring. */
  readonly noNewKeyring?: boolean;
  /** Who gets the notifications of the container's system call filter. */
  readonly seccompAgent?: SeccompAgent;
  /** Where create puts the pid file; the name of its temporary follows from it. */
  readonly pidFile?: string;
}

export interface SeccompAgent {
  /** Its stream socket. */
  readonly path: string;
  readonly metadata?: string;
}

/** A pid that can't be mistaken for a later process with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. A string, since it may pass 2^53. */
  readonly startTime: string;
}
