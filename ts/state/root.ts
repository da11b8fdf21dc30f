import { TsruncError } from '../errors.js';

/** Who asks for the default: the effective uid, and whether it is that of the machine (not: in a user namespace). */
export interface Asker {
  readonly uid: number;
  readonly privileged: () => boolean;
}

/**
 * Where state lives when `--root` doesn't say: /run/tsrunc for root, else $XDG_RUNTIME_DIR/tsrunc. Root in a
 * user namespace is somebody else outside (rootless Podman calls us so), unless all the environment is root's.
 * Throws INVALID_ARGUMENT when there is no such place.
 */
export function defaultRoot(env: NodeJS.ProcessEnv, { uid, privileged }: Asker): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  // The XDG specification: a relative path is to be ignored.
  const own =
    runtime?.startsWith('/') === true ? `${runtime.replace(/\/+$/, '')}/tsrunc` : undefined;
  if (uid === 0) {
    const another = own !== undefined && env['USER'] !== 'root' && !privileged();
    return another ? own : '/run/tsrunc';
  }
  if (own !== undefined) return own;
  throw new TsruncError(
    `there is no folder for the state of user ${uid}'s containers: set XDG_RUNTIME_DIR to an absolute path, or name a folder with --root`,
    { code: 'INVALID_ARGUMENT', stage: 'state' },
  );
}
