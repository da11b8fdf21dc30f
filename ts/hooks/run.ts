import type { Cancellation } from '../cancellation.js';
import { isSystemError, TsruncError } from '../errors.js';
import type { Hook } from '../spec/types.js';
import type { State } from '../state/state.js';
import type { HookEnd, HookNative } from './process.js';

/** The hooks that run in the runtime's own namespaces; init runs the other two kinds. */
export type RuntimeHook = 'prestart' | 'createRuntime' | 'poststart' | 'poststop';

export interface HookOptions {
  readonly native: HookNative;
  /** Aborting kills the hook that runs, and is an error of code ABORTED, whatever the kind. */
  readonly signal?: Cancellation;
  /** Gets the failures of poststop hooks, which stop nothing. */
  readonly warn?: (failure: TsruncError) => void;
}

/**
 * Runs hooks one after the other in the bundle's folder, with `state` as JSON on stdin and
 * exactly their own environment (config.md, "POSIX-platform Hooks").
 *
 * The first that fails, or outlasts its timeout and is killed, ends the row with
 * HOOK_FAILED. Only poststop hooks all run, and their failures are warnings
 * (runtime.md, "Lifecycle": 1.3 has poststart among those that fail the operation).
 */
export async function runHooks(
  kind: RuntimeHook,
  hooks: readonly Hook[] | undefined,
  state: State,
  options: HookOptions,
): Promise<void> {
  if (hooks === undefined || hooks.length === 0) return;
  // Loaded here: few containers have hooks, and Node's child processes and sockets cost 5 ms.
  const { runProcess } = await import('./process.js');
  const input = JSON.stringify(state);
  for (const [index, hook] of hooks.entries()) {
    const name = `${kind} hook ${index} (${hook.path})`;
    if (options.signal?.aborted === true) throw aborted(name, options.signal);
    const end = await runProcess(hook, input, state.bundle, options.native, options.signal);
    const why = failure(end, hook);
    if (why === undefined) continue;
    if (end.started && end.killedFor === 'abort') throw aborted(name, options.signal);
    const error = new TsruncError(`${name} ${why}`, {
      code: 'HOOK_FAILED',
      path: hook.path,
      stage: 'hooks',
      ...(end.started ? {} : { cause: end.error }),
    });
    if (kind !== 'poststop') throw error;
    options.warn?.(error);
  }
}

/** Undefined when the hook did well. */
function failure(end: HookEnd, hook: Hook): string | undefined {
  if (!end.started) return `could not be started: ${reason(end.error)}`;
  if (end.code === 0) return undefined;
  const said = end.complaint === '' ? '' : `: ${lastLines(end.complaint)}`;
  if (end.killedFor === 'timeout')
    return `did not end within ${hook.timeout} s and was killed${said}`;
  if (end.signal !== null) return `was killed by ${end.signal}${said}`;
  return `failed with exit status ${end.code}${said}`;
}

/** Up to three lines, in one. */
function lastLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-3)
    .join(' | ');
}

function reason(error: unknown): string {
  if (!isSystemError(error)) return error instanceof Error ? error.message : String(error);
  switch (error.code) {
    case 'ENOENT':
      return 'no such file or directory, or its interpreter is missing';
    case 'EACCES':
      return 'permission denied; it must be an executable file';
    case 'ENOEXEC':
      return 'exec format error; a script needs a #! line';
    default:
      return error.code;
  }
}

function aborted(name: string, signal: Cancellation | undefined): TsruncError {
  return new TsruncError(`${name} was broken off by the caller`, {
    code: 'ABORTED',
    stage: 'hooks',
    cause: signal?.reason,
  });
}
