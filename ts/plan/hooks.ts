import type { Hook } from '../spec/types.js';
import type { Operation } from './operations.js';

/** The hooks that run in the container's namespaces, and so in init. `timeout` in seconds; 0 is none. */
export function planHooks(
  kind: 'createContainer' | 'startContainer',
  hooks: readonly Hook[] | undefined,
): Operation[] {
  return (hooks ?? []).map(({ path, args, env, timeout }, index) => ({
    op: 'runHook',
    kind,
    index,
    file: path,
    args: args ?? [path],
    env: env ?? [],
    timeout: timeout ?? 0,
  }));
}
