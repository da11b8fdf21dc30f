import { thisProcess } from '../lifecycle/caller.js';
import { loadNative } from '../native/addon.js';
import type { Caller, SignalSource } from '../native/caller.js';
import type { Native } from '../native/native.js';
import { type Writer, write } from './output.js';

/** Who called the command: this process's own caller, or a launcher that has come to the host. */
export interface CommandCaller extends Caller {
  readonly native: Native;
  readonly signals: SignalSource;
  /** Writes to its stdout or stderr. */
  readonly write: Writer;
}

/** The command as a process of its own. */
export const ownProcess: CommandCaller = Object.create(thisProcess, {
  native: { get: loadNative },
  signals: { value: process },
  write: { value: write },
});
