/** Hears of the signals that a process gets, by their names: `process` is one. */
export interface SignalSource {
  on(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
  off(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
}

/** The process that a call is made for: this one, or that of a launcher which has come to the host (ts/resident). */
export interface Caller {
  readonly pid: number;
  /** Its folder in /proc. */
  readonly proc: string;
  /** Its working directory. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether a descriptor that is open in it is its machinery's, and not one that it was left by who started it. */
  isOwn(fd: number, target: string): boolean;
  /**
   * Says that the call takes something that only the process itself can do. `what` names it. For this process that changes
   * nothing; a launcher's call is broken off with `Declined`, and made by itself. So nothing must have been done before.
   */
  alone(what: string): void;
  /** Something is changed from here on. `undo` is the command line that takes it back if this process dies. */
  took(undo: readonly string[]): void;
  /** The caller now lasts as long as its child `pid`. `finish` is the command line that is due then if this process has died. */
  running(pid: number, finish: readonly string[]): void;
  /** What is to be let go of when the call is over and this process goes on. */
  atEnd(act: () => void): void;
}

/** Why a host doesn't carry a call out. Not a failure: the launcher does, without a host. */
export class Declined extends Error {}
