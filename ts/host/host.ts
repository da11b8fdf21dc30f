import type { CgroupLayout } from '../cgroup/cgroup.js';

/** What planning needs to know of this machine. Collected once (see collect.ts), passed in, never looked up. */
export interface Host {
  readonly kernel: { readonly major: number; readonly minor: number };
  readonly uid: number;
  readonly gid: number;
  /** Whether the caller is root in the initial user namespace (not: root in one of its own). */
  readonly privileged: boolean;
  /** The capabilities that the caller may hand on: its permitted set, a bit for each number. */
  readonly capabilities: bigint;
  /** The highest capability number of this kernel. */
  readonly lastCapability: number;
  readonly cgroup: CgroupLayout;
  /** The machine's architecture as Node names it: `x64`, `arm64`. */
  readonly arch: string;
  readonly apparmor: boolean;
  readonly selinux: boolean;
}
