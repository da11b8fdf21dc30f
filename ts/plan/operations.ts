/**
 * The one definition of what `init` can be asked to do. `Operation` (below) and, through `npm run generate`, the
 * encoder (ts/native/operation-encoder.ts) and the decoder (cpp/core/operations.h) come from it, so the two
 * sides can't drift: a fingerprint of it and of the messages (messages.ts) goes with every Program, and init refuses
 * one that it doesn't know.
 *
 * An operation knows nothing of OCI: all its arguments are resolved. Paths called `target` or
 * `path` lie in the container and are resolved below the root by descriptor; paths called
 * `source` or `file` lie on the host.
 */

/** The types that an argument can have on the wire. `slot` names a descriptor opened earlier; 0 is none. */
export interface WireTypes {
  bool: boolean;
  u32: number;
  i32: number;
  u64: bigint;
  string: string;
  'string[]': readonly string[];
  'u32[]': readonly number[];
  /** A seccomp policy here, a compiled filter on the wire. */
  filter: import('../native/native.js').SeccompPolicy;
}

export type Shape = Readonly<Record<string, keyof WireTypes>>;

/** What a mount's flags become: set, cleared, and the same for everything below it. */
const attributes = {
  /** MOUNT_ATTR_* bits to set and to clear. */
  set: 'u64',
  clear: 'u64',
  recursiveSet: 'u64',
  recursiveClear: 'u64',
  /** MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE, with MS_REC for the whole tree; applied in order. */
  propagation: 'u32[]',
} as const satisfies Shape;

/** `userNamespace`: the slot of the one whose maps the mount gets, 0 for none; `mapAll`: so does every mount below. */
const idMapped = { userNamespace: 'u32', mapAll: 'bool' } as const satisfies Shape;

export const operations = {
  // --- stage: still in the caller's namespaces -----------------------------------------------

  /** Hides this process's memory and descriptors from others that will share its namespaces. */
  setDumpable: { value: 'bool' },
  /** Opens the host's /proc, checked to be one; writes to /proc go through it from then on. */
  openProc: {},
  /**
   * Waits for the parent to have made the cgroups. `announced`: and put this process into one, which it says it waits for: who
   * puts it there must know that it is init by then.
   */
  awaitCgroup: { announced: 'bool' },
  /** Writes this process into each cgroup.procs file. */
  joinCgroups: { files: 'string[]' },
  /** Opens such a file of one that is joined by enterCgroup. */
  openCgroup: { file: 'string' },
  setOomScoreAdj: { value: 'i32' },
  /** The CPUs that this process may run on, as far as its cgroup has them; an empty list is all of them. */
  setAffinity: { cpus: 'u32[]' },
  /** Raises the hard limit if it is lower: needs a privilege that a user namespace doesn't give. */
  raiseRlimit: { resource: 'u32', hard: 'u64' },
  /** Makes the root file system the working directory, which a later copy of the mount namespace carries along. */
  enterRootfs: { source: 'string' },
  /** Clones a mount tree of the host into a slot while this process may still reach it. */
  openSource: { slot: 'u32', source: 'string', recursive: 'bool', ...idMapped },
  /** Makes a new file system into a slot: only who is root on the host may map its ids. */
  openFileSystem: {
    slot: 'u32',
    type: 'string',
    source: 'string',
    options: 'string[]',
    ...idMapped,
  },
  /**
   * Makes a device node, which is `file` of the host, into a slot: in a container's user namespace nobody could.
   * `path` is where it will be; the ids are the host's.
   */
  openNode: {
    slot: 'u32',
    path: 'string',
    file: 'string',
    type: 'u32',
    major: 'u32',
    minor: 'u32',
    mode: 'u32',
    uid: 'u32',
    gid: 'u32',
  },
  /** Makes a user namespace with these lines of uid_map and gid_map, that no process is in, into a slot. */
  makeUserNamespace: { slot: 'u32', uidMap: 'string', gidMap: 'string' },
  /** Opens a namespace into a slot. */
  openNamespace: { slot: 'u32', file: 'string' },
  /** Opens this process's timens_offsets with the caller's privileges, which a user namespace takes away. */
  openTimeOffsets: {},
  /**
   * Opens all the files, then joins them in this order, a user namespace last; what is allowed only inside that
   * one follows. `types` are CLONE_NEW* flags; those in `foreign` must be neither the runtime's own nor process 1's.
   */
  joinNamespaces: { types: 'u32[]', files: 'string[]', foreign: 'u32' },
  /** Takes a process's root for the container's, to be changed to later. */
  takeRootOf: { pid: 'u32' },
  /** Joins namespaces (CLONE_NEW* flags) of the process whose pidfd init was given, all at once. */
  joinProcess: { flags: 'u32' },
  /** unshare(CLONE_NEWUSER), then waits for the parent to write the id maps. */
  createUserNamespace: {},
  becomeRoot: { uid: 'u32', gid: 'u32' },
  /** unshare(CLONE_NEWTIME), for the next clone, and sets its clocks: they can't be changed once a process is in it. */
  createTimeNamespace: { offsets: 'string' },
  /** Makes init, a sibling, in new namespaces (CLONE_NEW* flags), and ends the stage. What follows is done by init. */
  clone: { flags: 'u32' },

  // --- create: init, in its namespaces --------------------------------------------------------

  newSession: {},
  joinSessionKeyring: { name: 'string' },
  setHostname: { name: 'string' },
  setDomainname: { name: 'string' },
  /** Tells the parent that it is time to move devices of the host's into the network namespace, and waits for it. */
  awaitNetDevices: {},
  /** Brings the `lo` of a new network namespace up. */
  loopbackUp: {},
  writeSysctl: { name: 'string', value: 'string' },
  /** Sets the propagation of every mount of the namespace. */
  setMountPropagation: { flags: 'u32' },
  /** Mounts the root file system on itself, with this propagation, and opens it: everything in root is resolved from there. */
  openRoot: { mount: 'bool', privateParent: 'bool', propagation: 'u32' },
  /** Takes the root of a mount namespace that was joined for the container's. */
  adoptRoot: {},
  /**
   * Mounts the file system of `slot`, or a new one (fsopen). `options` are `key` or `key=value`; `flags` those MS_*
   * that only mount(2) can set. `keepMode`, `keepOwner`: its root has those of the directory that it covers.
   * `copyUp`: and everything that is in that directory.
   */
  mount: {
    target: 'string',
    type: 'string',
    source: 'string',
    slot: 'u32',
    options: 'string[]',
    flags: 'u32',
    noSymlinks: 'bool',
    keepMode: 'bool',
    keepOwner: 'bool',
    copyUp: 'bool',
    ...attributes,
  },
  /** Mounts a part of the host's tree: that of `slot`, else that of `source`. */
  bindMount: {
    target: 'string',
    source: 'string',
    slot: 'u32',
    recursive: 'bool',
    noSymlinks: 'bool',
    ...attributes,
  },
  /** `type` is S_IFCHR, S_IFBLK or S_IFIFO. A node that is there already must be the same one. */
  makeNode: {
    path: 'string',
    type: 'u32',
    major: 'u32',
    minor: 'u32',
    mode: 'u32',
    uid: 'u32',
    gid: 'u32',
  },
  /** Mounts a device node, that of `slot`, else the host's at `source`. It must be the device that was asked for. */
  bindNode: {
    path: 'string',
    source: 'string',
    slot: 'u32',
    type: 'u32',
    major: 'u32',
    minor: 'u32',
  },
  symlink: { path: 'string', text: 'string', replace: 'bool' },
  /** Makes a pseudoterminal, sends its master to the parent and takes its slave as descriptors 0 to 2; 0×0 leaves its size. */
  openConsole: { width: 'u32', height: 'u32', uid: 'u32', bind: 'bool' },
  /** Joins the cgroup of openCgroup, which is known as `file`, and makes a new cgroup namespace. */
  enterCgroup: { file: 'string', newNamespace: 'bool' },
  /** Tells the parent that it is time for its hooks, and waits for it. */
  awaitHooks: {},
  runHook: {
    kind: 'string',
    index: 'u32',
    file: 'string',
    args: 'string[]',
    env: 'string[]',
    timeout: 'u32',
  },
  /** `pivot` (pivot_root), `move` (MS_MOVE and chroot) or `chroot`. */
  changeRoot: { method: 'string' },
  setRootPropagation: { flags: 'u32' },
  /** Changes a mount that is there, and by `options` its file system. */
  remount: { target: 'string', options: 'string[]', ...attributes },
  /** Covers a file with /dev/null, a directory with an empty read-only one. Nothing there is no error. */
  maskPath: { path: 'string' },
  readonlyPath: { path: 'string' },
  makeWorkingDirectory: { path: 'string' },
  /** `retry`: only when an earlier attempt, as root, was denied. */
  changeDirectory: { path: 'string', retry: 'bool' },
  /** Looks the program up now, so that create already says when it isn't there. */
  findExecutable: { name: 'string', search: 'string[]' },
  /** An MPOL_* mode with its flags, and the memory nodes it is about (set_mempolicy(2)). */
  setMemoryPolicy: { mode: 'u32', nodes: 'u32[]' },
  setPersonality: { persona: 'u32' },
  /** Writes `value` to /proc/self/attr/`attribute`: what a security module makes of this process. */
  writeAttribute: { attribute: 'string', value: 'string' },
  /** Tells the parent that the container is created, and waits for the start. */
  awaitStart: { listen: 'bool' },

  // --- start ----------------------------------------------------------------------------------

  /** Looks HOME up in the container's /etc/passwd, while limits and filters let it be opened; `prepareExec` sets it. */
  findHome: { uid: 'u32' },
  setNice: { value: 'i32' },
  /** sched_setattr(2). Times in nanoseconds. */
  setScheduler: {
    policy: 'u32',
    flags: 'u64',
    nice: 'i32',
    priority: 'u32',
    runtime: 'u64',
    deadline: 'u64',
    period: 'u64',
  },
  /** ioprio_set(2): the class from bit 13 on, the level below. */
  setIoPriority: { priority: 'u32' },
  /**
   * Everything about the exec that needs system calls which a filter might forbid: its arguments, and that
   * everything from descriptor 3 + `preserve` on is closed by it.
   */
  prepareExec: {
    args: 'string[]',
    env: 'string[]',
    preserve: 'u32',
  },
  setRlimit: { resource: 'u32', soft: 'u64', hard: 'u64' },
  /** Sets the soft limit alone; to the hard one where that is lower. */
  setSoftLimit: { resource: 'u32', soft: 'u64' },
  setUmask: { mask: 'u32' },
  setNoNewPrivileges: {},
  /**
   * `listener`: the filter has notifications, whose descriptor goes to the parent (message `listener`);
   * what comes after waits until the parent has passed it on.
   */
  loadSeccomp: { flags: 'u32', listener: 'bool', filter: 'filter' },
  setBoundingSet: { keep: 'u64' },
  /** `setGroups`: false where the user namespace forbids it. Capabilities are kept until setCapabilities. */
  setUser: { uid: 'u32', gid: 'u32', groups: 'u32[]', setGroups: 'bool' },
  setCapabilities: { effective: 'u64', permitted: 'u64', inheritable: 'u64', ambient: 'u64' },
  /** Says that what is left is the load of a filter, if one comes now, and the exec. */
  announceExec: {},
  /** Becomes the user's program, with what prepareExec made. */
  exec: { name: 'string', search: 'string[]' },
} as const satisfies Readonly<Record<string, Shape>>;

export type OperationName = keyof typeof operations;

export type Operation = {
  [Name in OperationName]: { readonly op: Name } & {
    readonly [Argument in keyof (typeof operations)[Name]]: (typeof operations)[Name][Argument] extends keyof WireTypes
      ? WireTypes[(typeof operations)[Name][Argument]]
      : never;
  };
}[OperationName];

/** The operations of one container in order: pure data. */
export interface Program {
  /** In the runtime's namespaces, by the stage. */
  readonly stage: readonly Operation[];
  /** In the container's namespaces, up to "created". */
  readonly create: readonly Operation[];
  /** After `start`. */
  readonly start: readonly Operation[];
}
