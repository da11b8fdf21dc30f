import type { ExitStatus, LocalNative, Native } from '../native/native.js';
import { type Connection, callerGone } from './connection.js';

/**
 * The kernel acts of a call that a launcher has made. What makes a process, or is about one, is the launcher's; all else
 * the host does itself: it has the same credentials, and sees the same files, processes and networks (same-world.ts).
 */
export function remoteNative(local: LocalNative, connection: Connection): Native {
  return {
    ...local,
    spawn: (options) => connection.spawn(options),
    waitExit: (pidfd, options) => exitOf(local, connection, pidfd, options?.pid ?? 0),
    // The launcher reaps whatever it adopts.
    reapOthers: () => {},
    setSubreaper: (on) => connection.order('subreaper', { on }),
    windowSize: () => {
      // A call with a terminal of its own is not for the host.
      throw Object.assign(new Error('ENOTTY: not a terminal'), {
        code: 'ENOTTY',
        errno: -25,
        syscall: 'ioctl',
      });
    },
  };
}

/** Without a launcher nobody tells how its child has ended, but that it has is seen. */
async function exitOf(
  local: LocalNative,
  connection: Connection,
  pidfd: number,
  pid: number,
): Promise<ExitStatus> {
  let isKnown = false;
  const told = connection.exitOf(pid).then((status) => {
    isKnown = true;
    return status;
  });
  const gone = connection.lost.then(async () => {
    // Then the pidfd is closed, and its number perhaps another call's.
    if (isKnown) return told;
    // Its container is not ours to wait for.
    if (connection.isRunning) throw callerGone();
    await local.waitGone(pidfd);
    return { signal: 9 };
  });
  // Also when the race was over before.
  gone.catch(() => {});
  return Promise.race([told, gone]);
}
