import type { Host } from '../host/host.js';
import type { Caller } from '../native/caller.js';
import type { Native } from '../native/native.js';
import type { Store } from '../state/store.js';
import type { Reap } from './init-process.js';

/** What every verb works with. */
export interface Context {
  readonly native: Native;
  /** Whose call it is. */
  readonly caller: Caller;
  readonly host: Host;
  readonly store: Store;
  readonly cgroups: 'cgroupfs' | 'systemd' | 'disabled';
  /** Of which containers' processes the end is taken here. */
  readonly reap: Reap;
  /** Hears what the operator should know and what doesn't stop the work. */
  readonly warn: (message: string) => void;
}
