import { TsruncError } from '../errors.js';

/**
 * Where state lives when `--root` doesn't say: /run/tsrunc for root, else
 * $XDG_RUNTIME_DIR/tsrunc. `uid` is the effective one.
 * Throws INVALID_ARGUMENT when there is no such place.
 */
export function defaultRoot(env: NodeJS.ProcessEnv, uid: number): string {
  if (uid === 0) return '/run/tsrunc';
  const runtime = env['XDG_RUNTIME_DIR'];
  // The XDG specification: a relative path is to be ignored.
  if (runtime?.startsWith('/') === true) return `${runtime.replace(/\/+$/, '')}/tsrunc`;
  throw new TsruncError(
    `there is no folder for the state of user ${uid}'s containers: set XDG_RUNTIME_DIR to an absolute path, or name a folder with --root`,
    { code: 'INVALID_ARGUMENT', stage: 'state' },
  );
}
