import { type Cancellation, Canceller } from '../cancellation.js';
import type { SignalSource } from '../native/caller.js';
import { endingSignals, interruption } from './interrupt.js';

/**
 * What is passed on to the container. Not in it: SIGKILL and SIGSTOP, which can't be caught; SIGCHLD, SIGURG
 * and SIGPROF, which are about this process; SIGPIPE and the signals of faults and limits, which
 * the kernel sends for what this process did itself; SIGTTIN and SIGTTOU, by which the shell's job
 * control stops this process until it has the terminal back. Node knows no names for
 * the real-time signals, so they keep their effect on this process.
 */
const forwarded: readonly NodeJS.Signals[] = [
  ...endingSignals,
  'SIGABRT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGTSTP',
  'SIGCONT',
  'SIGSTKFLT',
  'SIGIO',
  'SIGPWR',
  'SIGWINCH',
];

/** Catches a process's signals from its construction to the process's end and hands them to a container once there is one. */
export class SignalForwarder {
  readonly #abort = new Canceller();
  readonly #pending: NodeJS.Signals[] = [];
  #deliver: ((name: NodeJS.Signals) => void) | undefined;

  constructor(source: SignalSource) {
    for (const name of forwarded) source.on(name, this.#receive);
  }

  /** Fires when this process is asked to end before there is a container to tell. */
  get interrupted(): Cancellation {
    return this.#abort;
  }

  /** From now on `deliver` gets the signals; those that came earlier first. */
  attach(deliver: (name: NodeJS.Signals) => void): void {
    this.#deliver = deliver;
    for (const name of this.#pending.splice(0)) deliver(name);
  }

  readonly #receive = (name: NodeJS.Signals): void => {
    if (this.#deliver !== undefined) {
      this.#deliver(name);
      return;
    }
    // Kept even if it interrupts: the container may have been started just before.
    this.#pending.push(name);
    if (endingSignals.includes(name)) this.#abort.abort(interruption(name));
  };
}
