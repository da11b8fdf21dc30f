import { readControl, unlessGone } from '../control-files.js';

/** What cgroup.events tells of a cgroup and all below it. */
export interface Events {
  readonly populated: boolean;
  readonly frozen: boolean;
}

/** Reads cgroup.events. A cgroup that isn't there is neither populated nor frozen. */
export function readEvents(directory: string): Events {
  const lines = unlessGone(() => readControl(directory, 'cgroup.events'))?.split('\n') ?? [];
  return { populated: lines.includes('populated 1'), frozen: lines.includes('frozen 1') };
}

/** Whether its processes stand still, or are about to: also by a frozen parent. */
export function isFrozen(directory: string): boolean {
  return (
    readEvents(directory).frozen ||
    unlessGone(() => readControl(directory, 'cgroup.freeze')) === '1'
  );
}
