import type { Flags, FlagValues } from './arguments.js';
import type { CommandCaller } from './command-caller.js';
import { limitFlags } from './limit-flags.js';
import type { Log } from './log.js';

/** What the parser and the help need to know of one command. */
export interface Command {
  readonly summary: string;
  /** What follows the flags, in order; the optional ones in brackets. */
  readonly operands: readonly string[];
  readonly flags: Flags;
}

export const globalFlags = {
  root: {
    type: 'string',
    value: 'PATH',
    path: true,
    help: 'the folder with the state of the containers (default: /run/tsrunc, or $XDG_RUNTIME_DIR/tsrunc when not root)',
  },
  log: {
    type: 'string',
    value: 'PATH',
    path: true,
    help: 'append the log to this file; errors go to stderr too',
  },
  'log-format': {
    type: 'string',
    value: 'FORMAT',
    choices: ['text', 'json'],
    default: 'text',
    help: 'text or json',
  },
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    choices: ['debug', 'info', 'warn', 'warning', 'error'],
    default: 'info',
    help: 'debug, info, warning or error',
  },
  debug: { type: 'bool', help: 'the same as --log-level debug' },
  'cgroup-manager': {
    type: 'string',
    value: 'WHO',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    default: 'cgroupfs',
    help: 'who makes cgroups: cgroupfs (tsrunc itself), systemd (a scope for each) or disabled (nobody)',
  },
  'systemd-cgroup': { type: 'bool', help: 'the same as --cgroup-manager systemd' },
  rootless: {
    type: 'string',
    value: 'BOOL',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    help: 'accepted for callers of runc; tsrunc looks for itself',
  },
  criu: { type: 'string', value: 'PATH', help: 'accepted for callers of runc; without effect' },
  version: { type: 'bool', alias: 'v', help: 'print the version' },
} as const satisfies Flags;

const createFlags = {
  bundle: {
    type: 'string',
    alias: 'b',
    value: 'PATH',
    path: true,
    help: 'the folder with config.json (default: the working directory)',
  },
  'console-socket': {
    type: 'string',
    value: 'PATH',
    path: true,
    help: "an AF_UNIX socket that receives the master of the container's terminal",
  },
  'pid-file': {
    type: 'string',
    value: 'PATH',
    path: true,
    help: "write the pid of the container's first process to this file",
  },
  'pidfd-socket': {
    type: 'string',
    value: 'PATH',
    path: true,
    help: "an AF_UNIX socket that receives a pidfd of the container's first process",
  },
  'no-pivot': {
    type: 'bool',
    help: 'move the root instead of pivot_root, for a root on a ramdisk',
  },
  'no-new-keyring': { type: 'bool', help: "stay in the caller's session keyring" },
  'preserve-fds': {
    type: 'int',
    value: 'N',
    default: 0,
    min: 0,
    max: 1_048_576,
    help: 'pass N more descriptors to the container, after stdio and those of $LISTEN_FDS',
  },
} as const satisfies Flags;

/** The flags are made when they're asked for: a call needs those of one command. */
export const commands = {
  create: {
    summary: 'make a container from a bundle; its process waits for start',
    operands: ['ID'],
    get flags() {
      return {
        ...createFlags,
        detach: {
          type: 'bool',
          alias: 'd',
          help: 'accepted for callers of run: create always detaches',
        },
      } as const satisfies Flags;
    },
  },
  start: { summary: 'let the process of a created container go', operands: ['ID'], flags: {} },
  run: {
    summary: 'create and start a container, wait for its process and delete it',
    operands: ['ID'],
    get flags() {
      return {
        ...createFlags,
        detach: {
          type: 'bool',
          alias: 'd',
          help: 'return as soon as the process has been started',
        },
        keep: { type: 'bool', help: "leave the stopped container: it isn't deleted" },
        'no-subreaper': {
          type: 'bool',
          help: "don't adopt the processes that the container leaves behind",
        },
      } as const satisfies Flags;
    },
  },
  exec: {
    summary: 'start another process in a container',
    operands: ['ID', '[COMMAND]', '[ARGUMENT...]'],
    get flags() {
      return {
        process: {
          type: 'string',
          alias: 'p',
          value: 'FILE',
          path: true,
          help: 'a file with the process as in config.json, instead of a command',
        },
        detach: {
          type: 'bool',
          alias: 'd',
          help: 'return as soon as the process has been started',
        },
        tty: { type: 'bool', alias: 't', help: 'give it a terminal of its own' },
        cwd: { type: 'string', value: 'PATH', help: 'its working directory in the container' },
        env: { type: 'string[]', alias: 'e', value: 'NAME=VALUE', help: 'add to its environment' },
        user: { type: 'string', alias: 'u', value: 'UID[:GID]', help: 'whom it runs as' },
        'additional-gids': {
          type: 'string[]',
          alias: 'g',
          value: 'GID',
          help: 'add to its groups',
        },
        cap: { type: 'string[]', alias: 'c', value: 'NAME', help: 'add to its capabilities' },
        'no-new-privs': { type: 'bool', help: 'it gains no privileges by what it executes' },
        apparmor: { type: 'string', value: 'PROFILE', help: 'its AppArmor profile' },
        'process-label': { type: 'string', value: 'LABEL', help: 'its SELinux label' },
        'console-socket': createFlags['console-socket'],
        'pid-file': {
          type: 'string',
          value: 'PATH',
          path: true,
          help: 'write its pid to this file',
        },
        'pidfd-socket': {
          type: 'string',
          value: 'PATH',
          path: true,
          help: 'an AF_UNIX socket that receives a pidfd of it',
        },
        'preserve-fds': createFlags['preserve-fds'],
        cgroup: {
          type: 'string[]',
          value: 'PATH',
          help: "a cgroup below the container's to run in: PATH, or CONTROLLER:PATH on cgroup v1",
        },
        'ignore-paused': { type: 'bool', help: 'join a paused container too' },
        'no-subreaper': {
          type: 'bool',
          help: "accepted for callers of runc; exec adopts nobody's processes",
        },
      } as const satisfies Flags;
    },
  },
  state: { summary: 'print the state of a container as JSON', operands: ['ID'], flags: {} },
  pause: { summary: 'make all processes of a container stand still', operands: ['ID'], flags: {} },
  resume: { summary: 'let the processes of a paused container go on', operands: ['ID'], flags: {} },
  ps: {
    summary: 'list the processes of a container',
    operands: ['ID', '[PS_OPTION...]'],
    get flags() {
      return {
        format: {
          type: 'string',
          alias: 'f',
          value: 'FORMAT',
          choices: ['table', 'json'],
          default: 'table',
          help: 'table (what ps(1) says of them) or json (their pids)',
        },
      } as const satisfies Flags;
    },
  },
  update: {
    summary: 'change the limits of a container',
    operands: ['ID'],
    get flags() {
      return {
        resources: {
          type: 'string',
          alias: 'r',
          value: 'FILE',
          help: 'a file with limits as in config.json (linux.resources), or - for stdin',
        },
        ...limitFlags(),
      } as const satisfies Flags;
    },
  },
  events: {
    summary: 'print what a container uses every few seconds, and each time it runs out of memory',
    operands: ['ID'],
    get flags() {
      return {
        interval: {
          type: 'string',
          value: 'DURATION',
          default: '5s',
          help: 'time between statistics, such as 500ms or 1m30s',
        },
        stats: { type: 'bool', help: 'print the statistics once, and nothing else' },
      } as const satisfies Flags;
    },
  },
  kill: {
    summary: 'send a signal (default: SIGTERM) to the first process of a container',
    operands: ['ID', '[SIGNAL]'],
    flags: { all: { type: 'bool', alias: 'a', help: 'send it to every process of the container' } },
  },
  delete: {
    summary: 'remove a stopped container',
    operands: ['ID'],
    get flags() {
      return {
        force: {
          type: 'bool',
          alias: 'f',
          help: 'kill it first if it still runs; no error if there is none',
        },
      } as const satisfies Flags;
    },
  },
  list: {
    summary: 'list the containers',
    operands: [],
    get flags() {
      return {
        format: {
          type: 'string',
          alias: 'f',
          value: 'FORMAT',
          choices: ['table', 'json'],
          default: 'table',
          help: 'table or json',
        },
        quiet: { type: 'bool', alias: 'q', help: 'print only the IDs' },
      } as const satisfies Flags;
    },
  },
  spec: {
    summary: 'write a config.json to begin with',
    operands: [],
    get flags() {
      return {
        bundle: {
          type: 'string',
          alias: 'b',
          value: 'PATH',
          path: true,
          help: 'the folder to write it to (default: the working directory)',
        },
        rootless: { type: 'bool', help: 'one that a user without privileges can run' },
      } as const satisfies Flags;
    },
  },
  plan: {
    summary: 'show what the kernel would be asked to do for a bundle, without doing it',
    operands: ['[BUNDLE]'],
    get flags() {
      return {
        format: {
          type: 'string',
          alias: 'f',
          value: 'FORMAT',
          choices: ['text', 'json'],
          default: 'text',
          help: 'text or json',
        },
      } as const satisfies Flags;
    },
  },
  host: {
    summary: 'stay, and carry out the calls of the other commands faster than each could by itself',
    operands: [],
    get flags() {
      return {
        socket: {
          type: 'string',
          value: 'PATH',
          help: 'where to listen (default: /run/tsrunc-host/socket, or $XDG_RUNTIME_DIR/tsrunc-host/socket when not root)',
        },
        idle: {
          type: 'int',
          value: 'SECONDS',
          default: 0,
          min: 0,
          max: 86_400,
          help: 'end after so many seconds without a call; 0: never',
        },
      } as const satisfies Flags;
    },
  },
  features: { summary: 'print what this runtime supports as JSON', operands: [], flags: {} },
} as const satisfies Readonly<Record<string, Command>>;

/**
 * Commands of runc that are refused by name, and the sentence that says so. `--help` of them is refused, too: by the
 * exit code of `checkpoint --help` Podman and CRI-O tell whether a runtime makes checkpoints.
 */
export const absentCommands: Readonly<Record<string, string>> = {
  checkpoint:
    'checkpoint is not supported: tsrunc makes no checkpoints and the container goes on as it was; one that is to be checkpointed must be created by a runtime that uses CRIU, such as runc',
  restore:
    'restore is not supported: tsrunc makes no containers from checkpoints; the runtime that made the checkpoint restores it',
};

export type CommandName = keyof typeof commands;
type Operands<T extends readonly string[]> = {
  readonly [I in keyof T]: T[I] extends `[${string}` ? string | undefined : string;
};

export type GlobalValues = FlagValues<typeof globalFlags>;
export type CommandFlags<Name extends CommandName> = FlagValues<(typeof commands)[Name]['flags']>;

/** One call of a command, as far as it is parsed. */
export interface Call<Name extends CommandName> {
  readonly globals: GlobalValues;
  readonly flags: CommandFlags<Name>;
  readonly operands: Operands<(typeof commands)[Name]['operands']>;
  readonly log: Log;
  readonly caller: CommandCaller;
  /** Carries out another call. */
  readonly again: (args: readonly string[], caller: CommandCaller) => Promise<number>;
}

/** Carries a command out. The exit code is 0 if it names none. */
export type Action<Name extends CommandName> = (
  call: Call<Name>,
) => Promise<void> | Promise<number>;
