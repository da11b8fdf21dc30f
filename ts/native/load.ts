import type { LocalNative } from './native.js';

/**
 * Loads the addon from where it nearly always is, in the package's folder; undefined where there is none that this machine can
 * load: node-gyp-build, whose search takes longer than all the rest of a call's start, may know of a better one.
 */
export function loadUsual(root: string): LocalNative | undefined {
  if (process.env['TSRUNC_PREBUILD'] !== undefined) return undefined;
  for (const place of ['build/Release', `prebuilds/linux-${process.arch}`]) {
    try {
      const module = { exports: {} };
      process.dlopen(module, `${root}/${place}/tsrunc.node`);
      return module.exports as LocalNative;
    } catch {
      // Not there, or made for another machine.
    }
  }
  return undefined;
}
