import { setTimeout as delay } from 'node:timers/promises';
import { TsruncError } from '../errors.js';
import type { CgroupLocation } from './cgroup.js';
import { readControl, unlessGone, writeControl } from './control-files.js';
import * as v1 from './v1/freezer.js';
import { readEvents } from './v2/freezer.js';

/** How long processes may take to stand still, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Makes all processes of a container stand still, those that are forked meanwhile too, and resolves when they do.
 * When they don't in time, as in an uninterruptible sleep, they are let go again.
 *
 * @throws TsruncError UNSUPPORTED without a freezer; EBUSY when it took too long
 */
export async function freezeCgroup(location: CgroupLocation): Promise<void> {
  const freezer = freezerOf(location);
  const deadline = Date.now() + PATIENCE;
  freezer.freeze();
  // Neither hierarchy tells when it is done in a way that can be waited for in all kernels.
  for (let wait = 1; !freezer.isDone(); wait = Math.min(2 * wait, 20)) {
    if (Date.now() > deadline) {
      freezer.thaw();
      throw new TsruncError(
        `the processes of the container did not stand still within ${PATIENCE / 1000} seconds and go on: one of them may be in an uninterruptible sleep`,
        { code: 'EBUSY', stage: 'cgroup' },
      );
    }
    await delay(wait);
    // cgroup v1 forgets a freeze that a thread in the middle of a fork has stopped.
    freezer.freeze();
  }
}

/** Lets the processes of a container go on. Throws UNSUPPORTED without a freezer. */
export function thawCgroup(location: CgroupLocation): void {
  freezerOf(location).thaw();
}

interface Freezer {
  freeze(): void;
  thaw(): void;
  /** Whether all stand still. */
  isDone(): boolean;
}

function freezerOf({ version, directories }: CgroupLocation): Freezer {
  if (version === 'v2') return freezerOfV2(directories['unified'] ?? '');
  const found = Object.entries(directories).find(([name]) => name.split(',').includes('freezer'));
  if (found === undefined) {
    throw new TsruncError(
      'the container cannot be paused: no cgroup v1 hierarchy with the freezer controller is mounted on /sys/fs/cgroup',
      { code: 'UNSUPPORTED', stage: 'cgroup' },
    );
  }
  const [, directory] = found;
  return {
    freeze: () => v1.freeze(directory),
    thaw: () => v1.thaw(directory),
    isDone: () => unlessGone(() => readControl(directory, 'freezer.state')) !== 'FREEZING',
  };
}

function freezerOfV2(directory: string): Freezer {
  const write = (value: string): void =>
    void unlessGone(() => writeControl(directory, 'cgroup.freeze', value));
  return {
    freeze: () => write('1'),
    thaw: () => write('0'),
    isDone: () => {
      const { frozen, populated } = readEvents(directory);
      return frozen || !populated;
    },
  };
}
