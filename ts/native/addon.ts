import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TsruncError } from '../errors.js';
import { loadUsual } from './load.js';
import type { LocalNative } from './native.js';

/** The oldest Linux with everything that tsrunc calls (cgroup.kill came last). */
const floor = [5, 14] as const;

/** Given by the bundler: what the command's loader has loaded; see ts/cli/loader.ts. */
declare const LOADED_ADDON: LocalNative | undefined;

let native: LocalNative | undefined;

/**
 * The addon, loaded when it's first asked for.
 *
 * @throws TsruncError UNSUPPORTED on an older kernel than Linux 5.14, or when there is no addon that this machine can load.
 */
export function loadNative(): LocalNative {
  native ??= load();
  return native;
}

/** The addon, if it was loaded before. */
export const loadedNative = (): LocalNative | undefined => native;

/** Whether a kernel of this release (`6.1.0-18-amd64`) is new enough. */
export function isKernelSupported(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major > floor[0] || (major === floor[0] && minor >= floor[1]);
}

function load(): LocalNative {
  if (process.platform !== 'linux') throw unsupported(process.platform);
  const found = (typeof LOADED_ADDON === 'undefined' ? undefined : LOADED_ADDON) ?? find();
  const kernel = found.kernelRelease();
  if (!isKernelSupported(kernel)) throw unsupported(`Linux ${kernel}`);
  return found;
}

function find(): LocalNative {
  const file = import.meta.filename;
  const root = packageRoot(file);
  return loadUsual(root) ?? loadFound(file, root);
}

function unsupported(system: string): TsruncError {
  return new TsruncError(
    `tsrunc needs Linux ${floor.join('.')} or later, but this is ${system}: use it on a newer kernel`,
    { code: 'UNSUPPORTED' },
  );
}

/** The nearest folder above `file` with a package.json: the bundle's parent, or a clone's top from ts/native. */
function packageRoot(file: string): string {
  let folder = dirname(file);
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) return dirname(file);
    folder = parent;
  }
  return folder;
}

function loadFound(file: string, root: string): LocalNative {
  try {
    // Not imported: the command would load it at every start.
    const { createRequire } = process.getBuiltinModule('node:module');
    const find = createRequire(file)('node-gyp-build') as (folder: string) => LocalNative;
    return find(root);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new TsruncError(
      `tsrunc's native addon could not be loaded (${why}): install the package again, or run \`npm run build\` in a clone`,
      { code: 'UNSUPPORTED', cause },
    );
  }
}
