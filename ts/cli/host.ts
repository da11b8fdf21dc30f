import { statSync } from 'node:fs';
import { TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import { Host } from '../resident/host.js';
import { defaultSocket, listenAt } from '../resident/place.js';
import type { Action } from './commands.js';
import { activation } from './open-runtime.js';

export const action: Action<'host'> = async ({ flags, caller, again, log }) => {
  const native = loadNative();
  const { ino, size, mtimeNs } = statSync(import.meta.filename, { bigint: true });
  const build = { inode: ino, size, changed: mtimeNs };
  const host = new Host(native, build, again, (message) => log.warning(message));
  const { listenFds = 0 } = activation(caller);
  if (listenFds > 1) {
    throw new TsruncError(
      `the service manager has handed over ${listenFds} sockets, but the host has one: name one in its socket unit`,
      { code: 'INVALID_ARGUMENT', stage: 'host' },
    );
  }
  const place = flags.socket ?? (listenFds === 1 ? undefined : defaultSocket(caller.env));
  const listener = place === undefined ? 3 : listenAt(native, place);
  // What one call has forgotten to await must not end the others.
  process.on('unhandledRejection', (error) => log.warning(`unexpected: ${String(error)}`));
  const end = new Promise<void>((resolve) => {
    const finish = (): void => {
      native.close(listener);
      // Calls in the foreground go on without a host.
      host.whenUnoccupied(resolve);
    };
    for (const name of ['SIGTERM', 'SIGINT'] as const) caller.signals.on(name, finish);
    if (flags.idle > 0) host.whenIdle(flags.idle * 1000, finish);
  });
  void host.serve(listener);
  log.info(`listening at ${place ?? 'the socket of the service manager'}`);
  await end;
};
