import type { CreateOptions } from '../lifecycle/options.js';
import { Runtime } from '../lifecycle/runtime.js';
import type { Call, CommandFlags, CommandName } from './commands.js';

/** The library as the global flags want it. What it warns of goes to the log. */
export function openRuntime({ globals, log }: Pick<Call<CommandName>, 'globals' | 'log'>): Runtime {
  const manager = globals['cgroup-manager'];
  return new Runtime({
    ...(globals.root !== undefined && { root: globals.root }),
    cgroupManager: globals['systemd-cgroup'] ? 'systemd' : manager,
    // A detached call's process is its caller's, which waits for it.
    reap: 'awaited',
    onWarning: (message) => log.warning(message),
  });
}

/** What create's and run's common flags mean to the library, where a flag that isn't given has no key. */
export function createOptions(flags: Omit<CommandFlags<'create'>, 'detach'>): CreateOptions {
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
    ...activation(),
    ...notifySocket(),
    ...callersLimit(process.env['TSRUNC_NOFILE']),
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
export function activation(): Pick<CreateOptions, 'listenFds' | 'listenFdNames'> {
  const { LISTEN_FDS = '', LISTEN_PID = '', LISTEN_FDNAMES: names } = process.env;
  if (LISTEN_PID !== String(process.pid) || !/^[0-9]{1,4}$/.test(LISTEN_FDS)) return {};
  return {
    listenFds: Number(LISTEN_FDS),
    ...(names !== undefined && { listenFdNames: names }),
  };
}

/** The socket of the service manager that started us (sd_notify(3)): a file's or an abstract one, which is all that a container can be given. */
export function notifySocket(): Pick<CreateOptions, 'notifySocket'> {
  const { NOTIFY_SOCKET: socket = '' } = process.env;
  return /^[/@]./.test(socket) ? { notifySocket: socket } : {};
}
