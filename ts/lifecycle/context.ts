import type { Host } from '../host/host.js';
import type { Native } from '../native/native.js';
import type { Store } from '../state/store.js';

/** What every verb works with. */
export interface Context {
  readonly native: Native;
  readonly host: Host;
  readonly store: Store;
  readonly cgroups: 'cgroupfs' | 'disabled';
  /** Hears what the operator should know and what doesn't stop the work. */
  readonly warn: (message: string) => void;
}
