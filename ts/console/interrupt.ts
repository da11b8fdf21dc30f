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
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => controller.abort(interruption(name));
  for (const name of endingSignals) signals.on(name, interrupt);
  try {
    return await act(controller.signal);
  } finally {
    for (const name of endingSignals) signals.off(name, interrupt);
  }
}

/** The reason that an AbortSignal gets. */
export function interruption(name: NodeJS.Signals): TsruncError {
  return new TsruncError(`interrupted by ${name}: what had been made is removed again`, {
    code: 'ABORTED',
  });
}
