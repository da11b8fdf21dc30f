import type { LinuxResources } from '../spec/types.js';

/** How this host's cgroups are laid out. Collected once by ts/host. */
export type CgroupLayout =
  | { readonly version: 'none' }
  | {
      readonly version: 'v2';
      /** `/sys/fs/cgroup`. */
      readonly mountpoint: string;
      /** The caller's own cgroup below it, from /proc/self/cgroup: `/user.slice/…`. */
      readonly own: string;
      readonly controllers: readonly string[];
    }
  | {
      /** `hybrid`: v1 hierarchies, and a cgroup2 one beside them that is joined too. */
      readonly version: 'v1' | 'hybrid';
      readonly hierarchies: readonly CgroupHierarchy[];
    };

export interface CgroupHierarchy {
  /** The directory's name below /sys/fs/cgroup: `memory`, `cpu,cpuacct`, `systemd`, `unified`. */
  readonly name: string;
  /** The controllers in it: `['cpu', 'cpuacct']`; `['name=systemd']`; none for the cgroup2 one. */
  readonly controllers: readonly string[];
  readonly mountpoint: string;
  readonly own: string;
}

/** Where one container's cgroup is. Kept in state.json, so `delete` needs nothing else. */
export interface CgroupLocation {
  readonly version: 'v1' | 'v2' | 'hybrid';
  /** One directory for each hierarchy, absolute on the host, keyed by the hierarchy's name; v2 has one key, `unified`. */
  readonly directories: Readonly<Record<string, string>>;
  /** Whose cgroup it is, where systemd makes it. */
  readonly systemd?: SystemdUnit;
}

/** A unit of systemd's. */
export interface SystemdUnit {
  /** `tsrunc-ID.scope`. */
  readonly unit: string;
  /** `system.slice`. */
  readonly slice: string;
  /** Of the user's own manager, not of the system's. */
  readonly user: boolean;
}

/** What systemd is asked for a container's scope. */
export interface ScopeRequest {
  readonly id: string;
  /** The first process in it: without one there is no scope. */
  readonly pid: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly devices: LinuxResources['devices'];
}

/** The cgroup of one container. */
export interface Cgroup {
  readonly location: CgroupLocation;
  /** Throws UNSUPPORTED for limits that this host can't set, as far as that's known before there is a cgroup. */
  refuse(resources: LinuxResources): void;
  /** Has systemd make the scope, where that is who makes it: to be called before `create`, when there is a process for it. */
  begin?(request: ScopeRequest): Promise<void>;
  /** Makes the directories (parents too) and fills what a new v1 cpuset needs. Throws when it exists and isn't empty. What it made before it failed, it removes. */
  create(): void;
  /**
   * Writes the limits of `linux.resources`. What is absent stays as it is, and so does what is 0 where the kernel has no
   * such limit. What this host can't do is thrown as UNSUPPORTED before anything is written. Device rules replace those
   * of an earlier call: on v1 from their first rule for all devices on.
   */
  apply(resources: LinuxResources): void | Promise<void>;
  /** Gives it to a user, who may then make cgroups in it. Does nothing where v1 is in use: there that isn't safe. */
  delegate(uid: number): void;
  /**
   * The files of v1 hierarchies that a joining process of one thread writes "0" into. They are `tasks`, since a
   * thread that moves only itself needs no lock of the kernel; `cgroup.procs` waits for an RCU grace period.
   */
  readonly joinFiles: readonly string[];
  /** The cgroup2 directory that a process is best born in (CLONE_INTO_CGROUP), if there is one. */
  readonly birthplace: string | undefined;
  /** Pids of all processes in it and below it. */
  processes(): number[];
  /** Sends `signal` to every process in it and below it, by pidfd. */
  signalAll(signal: number): void;
  /** SIGKILL to everything in it (cgroup.kill where there is one; a frozen one is thawed), and waits until it is empty. */
  kill(): Promise<void>;
  /** Removes the directories, sub-cgroups too. Nothing to do is no error. Kills what is still in it. */
  remove(): Promise<void>;
}
