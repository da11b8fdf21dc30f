import { type Cancellation, Canceller } from '../cancellation.js';
import { TsruncError } from '../errors.js';
import type { SignalSource } from '../native/caller.js';

/** Signals that ask a program to end. */
export const endingSignals: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/**
 * Runs `act` so that a signal that asks the process of `signals` to end undoes what was begun
 * and doesn't just leave it.
 *
 * @throws TsruncError ABORTED when it was interrupted, else what `act` throws.
 */
export async function interruptible<T>(
  signals: SignalSource,
  act: (signal: Cancellation) => Promise<T>,
): Promise<T> {
  const canceller = new Canceller();
  const interrupt = (name: NodeJS.Signals): void => canceller.abort(interruption(name));
  for (const name of endingSignals) signals.on(name, interrupt);
  try {
    return await act(canceller);
  } finally {
    for (const name of endingSignals) signals.off(name, interrupt);
  }
}

/** The reason that a Cancellation gets. */
export function interruption(name: NodeJS.Signals): TsruncError {
  return new TsruncError(`interrupted by ${name}: what had been made is removed again`, {
    code: 'ABORTED',
  });
}
