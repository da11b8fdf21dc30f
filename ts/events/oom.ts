import { closeSync, existsSync, openSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { CgroupLocation } from '../cgroup/cgroup.js';
import { writeControl } from '../cgroup/control-files.js';
import { hierarchyWith } from '../cgroup/v1/plan.js';
import type { Native } from '../native/native.js';
import { keyed } from './read.js';

export type NoticeNative = Pick<
  Native,
  'eventfd' | 'waitCount' | 'waitStall' | 'waitGone' | 'close'
>;

/** Something of the kernel's that is watched until it is closed. */
export interface Notice {
  /** Looks once more, now: the kernel tells of some things a little later than they happen. */
  look(): void;
  close(): void;
}

const SILENT: Notice = { look: () => {}, close: () => {} };

/** Calls `told` whenever the container runs out of memory. Silent where no memory controller is. */
export function watchOom(native: NoticeNative, location: CgroupLocation, told: () => void): Notice {
  const v1 = location.version === 'v2' ? undefined : hierarchyWith(location, 'memory');
  if (v1 !== undefined) return watchV1(native, v1, told);
  const unified = location.directories['unified'];
  if (unified === undefined || !existsSync(join(unified, 'memory.events'))) return SILENT;
  return watchV2(unified, told);
}

/** cgroup-v1/memory.rst, "OOM Control": an eventfd is told, also when the cgroup is removed. */
function watchV1(native: NoticeNative, directory: string, told: () => void): Notice {
  const file = join(directory, 'memory.oom_control');
  const eventfd = native.eventfd();
  try {
    const control = openSync(file, 'r');
    try {
      writeControl(directory, 'cgroup.event_control', `${eventfd} ${control}`);
    } finally {
      closeSync(control);
    }
  } catch (error) {
    native.close(eventfd);
    throw error;
  }
  const hear = async (): Promise<void> => {
    for (;;) {
      const count = await native.waitCount(eventfd);
      if (count === undefined) return;
      const isThere = existsSync(file);
      // The last one was of the removal.
      if (isThere || count > 1) told();
      if (!isThere) return;
    }
  };
  void hear();
  return { look: () => {}, close: () => native.close(eventfd) };
}

/** cgroup-v2.rst, memory.events: it counts what was killed in all of the tree below, too. */
function watchV2(directory: string, told: () => void): Notice {
  const killed = (): number => keyed(directory, 'memory.events')['oom_kill'] ?? 0;
  let known = killed();
  const look = (): void => {
    const now = killed();
    if (now > known) told();
    known = Math.max(now, known);
  };
  const watcher = watch(join(directory, 'memory.events'), look);
  // It is gone with its cgroup, and then there is nothing to be heard.
  watcher.on('error', () => {});
  return { look, close: () => watcher.close() };
}
