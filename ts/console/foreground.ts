import type { Cancellation } from '../cancellation.js';
import type { RunningProcess } from '../lifecycle/options.js';
import type { SignalSource } from '../native/caller.js';
import type { ExitStatus, Native } from '../native/native.js';
import { SignalForwarder } from './forwarding.js';
import type { TerminalSession } from './terminal-session.js';

export interface ForegroundOptions {
  /** This process is a subreaper, and has no other children. */
  readonly adopts?: boolean;
  /** Whose signals are passed on. Default: this process's. */
  readonly signals?: SignalSource;
  /** Hears of the process as soon as it runs. */
  readonly running?: (pid: number) => void;
}

/**
 * Stands in for a container's first process: its signals go there, its terminal is the caller's, and
 * it lasts as long. `start` makes the container; its signal fires when this process is asked to
 * end before that is done.
 *
 * @returns how the process ended, once all that it wrote to its terminal was passed on.
 */
export async function runInForeground(
  native: Native,
  start: (signal: Cancellation) => Promise<RunningProcess>,
  { adopts = false, signals: source = process, running }: ForegroundOptions = {},
): Promise<ExitStatus> {
  const signals = new SignalForwarder(source);
  const container = await start(signals.interrupted);
  running?.(container.pid);
  const session = await openSession(native, container);
  signals.attach((name) => forward(name, container, session));
  const stopReaping = adopts ? reapOrphans(native, source, container) : undefined;
  try {
    return await container.wait();
  } finally {
    stopReaping?.();
    await session?.close();
  }
}

/** As a subreaper this process is the parent of what the container's processes leave behind. */
function reapOrphans(native: Native, source: SignalSource, { pid }: RunningProcess): () => void {
  const reap = (): void => native.reapOthers(pid);
  source.on('SIGCHLD', reap);
  reap();
  return () => source.off('SIGCHLD', reap);
}

async function openSession(
  native: Native,
  container: RunningProcess,
): Promise<TerminalSession | undefined> {
  // Without a terminal the container has the caller's descriptors, which Node's streams must not touch.
  if (container.console === null) return undefined;
  try {
    const { TerminalSession } = await import('./terminal-session.js');
    return new TerminalSession(native, container.console);
  } catch (error) {
    // It runs already, with nobody at its terminal.
    container.kill('SIGKILL');
    await container.wait();
    throw error;
  }
}

function forward(
  name: NodeJS.Signals,
  container: RunningProcess,
  session: TerminalSession | undefined,
): void {
  if (session !== undefined && name === 'SIGWINCH') {
    session.resize();
    return;
  }
  if (session !== undefined && name === 'SIGCONT') session.resume();
  try {
    container.kill(name);
  } catch {
    // It has ended in this very moment, which `wait` tells. Whatever else it is, a signal's sender
    // can't be told, and failing here would leave the container alone.
  }
}
