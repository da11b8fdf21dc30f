import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupLocation } from '../cgroup/cgroup.js';
import { isSystemError, TsruncError } from '../errors.js';
import type { Notice, NoticeNative } from './oom.js';

/** When to be told that processes of the container wait for a resource (Documentation/accounting/psi.rst). */
export interface PressureTrigger {
  readonly resource: 'cpu' | 'memory' | 'io';
  /** `some` (the default): at least one process waits; `full`: all do. */
  readonly kind?: 'some' | 'full';
  /** Milliseconds of waiting within the window. */
  readonly stall: number;
  /** Milliseconds, from 500 to 10,000 (the default: 2,000; without CAP_SYS_RESOURCE a multiple of 2,000). */
  readonly window?: number;
}

/** Calls `told` at most once in each window in which the container has waited that long. */
export function watchPressure(
  native: NoticeNative,
  location: CgroupLocation,
  trigger: PressureTrigger,
  told: () => void,
): Notice {
  const { resource, kind = 'some', stall, window = 2000 } = trigger;
  const directory = location.directories['unified'];
  const asked = `pressure of ${resource} (${kind}, ${stall} ms in ${window} ms)`;
  if (directory === undefined) {
    throw new TsruncError(
      `${asked}: it is measured in cgroup v2 only, and this container has none`,
      { code: 'UNSUPPORTED', stage: 'events' },
    );
  }
  const file = join(directory, `${resource}.pressure`);
  const fd = open(file, `${kind} ${stall * 1000} ${window * 1000}\0`, asked);
  const hear = async (): Promise<void> => {
    while (await native.waitStall(fd)) told();
  };
  void hear();
  return { look: () => {}, close: () => native.close(fd) };
}

function open(file: string, trigger: string, asked: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(fd, trigger);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (!isSystemError(error)) throw error;
    const why =
      error.code === 'EINVAL'
        ? 'the kernel takes stalls above 0 within windows of 500 to 10,000 ms, without CAP_SYS_RESOURCE multiples of 2,000 ms'
        : 'the kernel measures no pressure here (CONFIG_PSI, psi=1, cgroup.pressure)';
    throw new TsruncError(`${asked}: ${error.message}: ${why}`, {
      code: error.code,
      errno: -error.errno,
      syscall: error.syscall,
      path: file,
      stage: 'events',
      cause: error,
    });
  }
}
