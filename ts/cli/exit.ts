import { loadedNative } from '../native/addon.js';
import type { ExitStatus } from '../native/native.js';

/** The exit code that stands for how a container's process ended: its own, or 128 + the signal's number. */
export function exitCode({ code, signal }: ExitStatus): number {
  if (signal !== undefined) return 128 + signal;
  return code ?? 1;
}

/**
 * Ends this process. Everything was awaited and written by then, so Node's own dismantling, some 3 ms, isn't waited for;
 * and where nobody wants to hear of the end, the ms that its exit() takes isn't either.
 */
export function endProcess(code: number): void {
  if (process.listenerCount('exit') === 0) loadedNative()?.exit(code);
  process.exit(code);
}

/** The exit code when a command itself fails. Callers of `exec` tell by 255 that the process was never started. */
export function failureCode(command: string | undefined): number {
  return command === 'exec' ? 255 : 1;
}
