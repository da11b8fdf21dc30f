import type { CreateOptions } from '../lifecycle/options.js';
import { Runtime } from '../lifecycle/runtime.js';
import { type CommandCaller, ownProcess } from './command-caller.js';
import type { Call, CommandFlags, CommandName } from './commands.js';

/** The library as the global flags want it. What it warns of goes to the log. */
export function openRuntime({
  globals,
  log,
  caller,
}: Pick<Call<CommandName>, 'globals' | 'log' | 'caller'>): Runtime {
  const manager = globals['cgroup-manager'];
  // Which systemd it is is told by the caller's own variables.
  if (globals['systemd-cgroup'] || manager === 'systemd') caller.alone('systemd');
  const options = {
    ...(globals.root !== undefined && { root: globals.root }),
    cgroupManager: globals['systemd-cgroup'] ? 'systemd' : manager,
    // A detached call's process is its caller's, which waits for it.
    reap: 'awaited',
    onWarning: (message: string) => log.warning(message),
  } as const;
  return caller === ownProcess
    ? new Runtime(options)
    : new Runtime(options, { caller, native: caller.native });
}

/** What create's and run's common flags mean to the library, where a flag that isn't given has no key. */
export function createOptions({
  flags,
  caller,
}: {
  readonly flags: Omit<CommandFlags<'create'>, 'detach'>;
  readonly caller: CommandCaller;
}): CreateOptions {
  const {
    bundle,
    'pid-file': pidFile,
    'console-socket': consoleSocket,
    'pidfd-socket': pidfdSocket,
  } = flags;
  return {
    ...(bundle !== undefined && { bundle }),
    ...(pidFile !== undefined && { pidFile }),
    ...(consoleSocket !== undefined && { consoleSocket }),
    ...(pidfdSocket !== undefined && { pidfdSocket }),
    noPivot: flags['no-pivot'],
    noNewKeyring: flags['no-new-keyring'],
    preserveFds: flags['preserve-fds'],
    ...activation(caller),
    ...notifySocket(caller),
    ...callersLimit(caller.env['TSRUNC_NOFILE']),
  };
}

/** The soft RLIMIT_NOFILE before Node raised it: the launcher (cpp/launcher) notes it. */
function callersLimit(given = ''): Pick<CreateOptions, 'openFiles'> {
  return /^[0-9]{1,10}$/.test(given) ? { openFiles: Number(given) } : {};
}

/**
 * The descriptors that socket activation handed to this very process (sd_listen_fds(3)): they are for the container.
 * Another process's, whose environment was inherited, aren't.
 */
export function activation({
  pid,
  env,
}: CommandCaller): Pick<CreateOptions, 'listenFds' | 'listenFdNames'> {
  const { LISTEN_FDS = '', LISTEN_PID = '', LISTEN_FDNAMES: names } = env;
  if (LISTEN_PID !== String(pid) || !/^[0-9]{1,4}$/.test(LISTEN_FDS)) return {};
  return {
    listenFds: Number(LISTEN_FDS),
    ...(names !== undefined && { listenFdNames: names }),
  };
}

/** The socket of the service manager that started us (sd_notify(3)): a file's or an abstract one, which is all that a container can be given. */
export function notifySocket(caller: CommandCaller): Pick<CreateOptions, 'notifySocket'> {
  const { NOTIFY_SOCKET: socket = '' } = caller.env;
  if (!/^[/@]./.test(socket)) return {};
  // The service manager listens to processes of the service alone.
  caller.alone('the notification');
  return { notifySocket: socket };
}
