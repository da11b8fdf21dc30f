import type { Files } from './files.js';

/**
 * The kernel acts that must happen in the caller's own process, and nothing else. There are two implementations: the
 * addon (cpp/addon), and the host's for another process (ts/resident/remote-native.ts).
 *
 * File descriptors are plain numbers; who gets one from here closes it with `close`.
 * Every descriptor made here is close-on-exec. A failed system call throws a
 * `SystemError` (see ts/errors.ts): an Error with `code` ('EPERM'), `errno` (negative,
 * as Node's own), `syscall` and, where there is one, `path`.
 */
export interface Native {
  /**
   * Starts the embedded `init` from its sealed memfd (clone3 with CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND):
   * no signal is blocked or ignored in it, its environment is empty, and it has exactly `callers` and `fds`.
   * Waits until it is init only where it is born into a cgroup. That it could not become init, it says over its socket, as init
   * says its errors; until then it has copies of all descriptors of this process.
   */
  spawn(options: SpawnOptions): SpawnedProcess | Promise<SpawnedProcess>;

  /** A sealed memfd (no write, grow, shrink or further seal) that holds `content`, offset 0. */
  memfd(name: string, content: Uint8Array): number;
  /** A pair of connected AF_UNIX SOCK_SEQPACKET sockets: the first is non-blocking (ours), the second blocking (init's). */
  socketPair(): [ours: number, theirs: number];
  /** A pipe: [read end, write end], both blocking. */
  pipe(): [read: number, write: number];
  /** A blocking, listening AF_UNIX SOCK_SEQPACKET socket at `path`, which may be longer than sun_path (mode 0600). */
  listen(path: string): number;
  /** A non-blocking AF_UNIX SOCK_DGRAM socket at `path`, which may be longer than sun_path; every user may send to it (mode 0777). */
  bindDatagram(path: string): number;
  /** Connects to the AF_UNIX socket at `path`, which may be longer than sun_path. Non-blocking afterwards. For a datagram socket `@` begins an abstract name. */
  connect(path: string, type: 'stream' | 'seqpacket' | 'datagram'): number;
  /** Sends one message with `fds` attached (SCM_RIGHTS). MSG_NOSIGNAL. */
  send(socket: number, data: Uint8Array, fds?: readonly number[]): void;
  /**
   * A non-blocking NETLINK_ROUTE socket in the network namespace that `netns` is open on, else in this process's.
   * Only the kernel's messages are heard on it; `send` and `receive` are for it too.
   */
  routeSocket(netns?: number): number;
  /** The next message of a SEQPACKET, datagram or netlink socket with the descriptors attached to it, or undefined at its end (also ECONNRESET). One call at a time per socket. */
  receive(socket: number): Promise<ReceivedMessage | undefined>;

  /** A pidfd for a process. Throws ESRCH when there is none. */
  openPidfd(pid: number): number;
  /** Throws ESRCH when the process is gone (also when it is a zombie that was reaped). */
  signal(pidfd: number, signal: number): void;
  /** Resolves with the exit of a child of ours and reaps it. The wait keeps the event loop alive unless `keepAlive` is false. */
  waitExit(
    pidfd: number,
    options?: { readonly keepAlive?: boolean; readonly pid?: number },
  ): Promise<ExitStatus>;
  /** From now on the waits that there are for this pidfd keep the event loop alive. */
  holdLoop(pidfd: number): void;
  /** Reaps every child of this process that has ended but the one with this pid, as long as that one isn't reaped. For who has no other children meanwhile. */
  reapOthers(pid: number): void;
  /** Resolves as soon as the process has ended (a zombie has), whoever's child it is. */
  waitGone(pidfd: number): Promise<void>;

  /** A non-blocking eventfd with the count 0. */
  eventfd(): number;
  /** Takes an eventfd's count as soon as it isn't 0. Undefined when the descriptor is closed meanwhile. */
  waitCount(eventfd: number): Promise<number | undefined>;
  /** Resolves with true as soon as an open pressure file, into which a trigger was written, tells of a stall (POLLPRI); with false when its cgroup is gone, with undefined when the descriptor is closed meanwhile. */
  waitStall(fd: number): Promise<boolean | undefined>;

  /**
   * Calls a method of org.freedesktop.systemd1.Manager, by libsystemd's sd-bus; with `awaitJob` the job that it answers
   * with has ended, within 30 s, when the promise resolves. Never rejects for what the bus or systemd refuse.
   */
  callSystemd(
    user: boolean,
    method: string,
    message: readonly BusToken[],
    awaitJob: boolean,
  ): Promise<BusAnswer>;
  /** A property of org.freedesktop.systemd1.Manager that is a text. */
  systemdProperty(user: boolean, name: string): Promise<BusAnswer>;

  /** statfs(2)'s `f_type`; undefined when there is nothing at the path, or it can't be asked. */
  fileSystemType(path: string): number | undefined;
  /** The time as RFC 3339 has it, in UTC, to the millisecond. A Date's own toISOString() looks for the time zone first. */
  utcTime(): string;
  /** The running kernel's release, `6.1.0-18-amd64`. As os.release(), whose module costs more to load. */
  kernelRelease(): string;
  /** flock(LOCK_EX | LOCK_NB): false when another open file description holds the lock. */
  tryLock(fd: number): boolean;
  /** Makes this process a subreaper (PR_SET_CHILD_SUBREAPER), or ends that. */
  setSubreaper(on: boolean): void;
  /** The soft and hard limit of a process for RLIMIT_* number `resource`; 2^64-1 is RLIM_INFINITY. */
  getResourceLimit(pid: number, resource: number): { soft: bigint; hard: bigint };
  /** TIOCGWINSZ of a terminal. */
  windowSize(fd: number): WindowSize;
  /** TIOCSWINSZ. */
  setWindowSize(fd: number, size: WindowSize): void;
  /** Has a terminal pass on what is written to it as it is (no OPOST). */
  passOutput(fd: number): void;

  /** Compiles a policy to a classic BPF program with libseccomp, off the main thread. */
  compileSeccomp(policy: SeccompPolicy): Promise<CompiledSeccomp>;
  /** What compileSeccomp's result depends on beside the policy: the version of libseccomp, and the build of this addon. Undefined when the build can't be told. */
  seccompCompiler(): string | undefined;
  /** Node's own costs several milliseconds to load. */
  sha256(data: Uint8Array): Uint8Array;
  /** Loads an eBPF program of type CGROUP_DEVICE (8 bytes per instruction) and attaches it to a cgroup v2 directory (BPF_F_ALLOW_MULTI), in the place of an earlier one from this call. */
  attachDeviceProgram(cgroup: number, instructions: Uint8Array): void;

  close(fd: number): void;
}

/** The addon: what it does is done by this process. */
export interface LocalNative extends Native, Files {
  spawn(options: SpawnOptions): SpawnedProcess;
  /** A file's content as the kernel keeps it, not a copy: nobody may write to it, nor change the file while it is used. */
  mapFile(path: string): Uint8Array;
  /** The bytes that the characters of a text stand for, all of them below 256. */
  latin1Bytes(text: string): Uint8Array;
  /** A file's text. */
  readLatin1(path: string): string;
  /** Ends this process at once, without what Node does at its end. */
  exit(code: number): never;
  /** init's own sealed memfd. It stays the addon's. */
  image(): number;
  /** The next connection to a listening socket (non-blocking), and who made it; undefined once the listener is closed. */
  accept(listener: number): Promise<Accepted | undefined>;
}

export interface Accepted {
  readonly socket: number;
  /** Of the process that connected, as it was then (SO_PEERCRED). */
  readonly pid: number;
  readonly uid: number;
  /** Of the same process. */
  readonly pidfd: number;
}

/** A part of a D-Bus message: a container that opens (its type and its contents' signature) or closes, or a value of a basic type. */
export type BusToken =
  | readonly ['(', type: string, contents: string]
  | readonly [')']
  | readonly [type: string, value: string | number | bigint | boolean];

/** Exactly one of `result` and `error`. */
export interface BusAnswer {
  /** Of a job `done`, `failed`, `canceled`, `timeout`, `dependency` or `skipped`; a property's value; else empty. */
  readonly result?: string;
  /** D-Bus's name of the error, or `errno` or `dlopen`. */
  readonly error?: string;
  readonly message?: string;
}

export interface SpawnOptions {
  /** What become descriptors 0, 1, 2 and so on: the caller's own. */
  readonly callers?: readonly number[];
  /** What become the next ones: made for this process by who calls `spawn`. The first is init's socket. */
  readonly fds: readonly number[];
  /** init's arguments after argv[0]. */
  readonly args: readonly string[];
  /** An open cgroup v2 directory to be born in (CLONE_INTO_CGROUP). */
  readonly cgroup?: number;
}

export interface SpawnedProcess {
  readonly pid: number;
  readonly pidfd: number;
}

export interface ReceivedMessage {
  readonly data: Uint8Array;
  readonly fds: readonly number[];
}

/** How a process ended: exactly one of the two. */
export interface ExitStatus {
  readonly code?: number;
  /** The number of the signal that ended it. */
  readonly signal?: number;
}

export interface WindowSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

export interface CompiledSeccomp {
  /** Classic BPF: instructions of 8 bytes. */
  readonly filter: Uint8Array;
  /** The names of system calls that nobody here knows: they were left out, as config-linux.md has it. */
  readonly unknown: readonly string[];
}

/** A seccomp policy with everything resolved but the architectures' system call numbers. */
export interface SeccompPolicy {
  /** An action as libseccomp's 32-bit value (SCMP_ACT_*). */
  readonly defaultAction: number;
  /** What system calls newer than all that the rules name are answered with instead. */
  readonly newerAction?: number;
  /** `SCMP_ARCH_*`; the native one is always in. */
  readonly architectures: readonly string[];
  readonly rules: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly action: number;
  readonly names: readonly string[];
  readonly args: readonly SeccompArgument[];
}

export interface SeccompArgument {
  readonly index: number;
  /** `SCMP_CMP_*`. */
  readonly op: string;
  readonly value: bigint;
  readonly valueTwo: bigint;
}
