import { hookKinds } from '../spec/names.js';
import type { Hook, Hooks } from '../spec/types.js';

/** Hooks without properties that are not ours to keep: a number that JSON can't hold may be among them. */
export function knownParts(hooks: Hooks): Hooks {
  const kept = (list: readonly Hook[]): Hook[] =>
    list.map(({ path, args, env, timeout }) => ({
      path,
      ...(args && { args }),
      ...(env && { env }),
      ...(timeout !== undefined && { timeout }),
    }));
  const kinds = hookKinds.flatMap((kind) => (hooks[kind] ? [[kind, kept(hooks[kind])]] : []));
  return Object.fromEntries(kinds);
}
