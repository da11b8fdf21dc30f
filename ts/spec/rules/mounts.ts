import { hookKinds } from '../names.js';
import type { Report } from '../schema.js';
import type { Hook, Mount, Spec } from '../types.js';

/** config.md, "Mounts" and "POSIX-platform Hooks". A relative destination, deprecated, is one from the root. */
export function checkMounts({ mounts, hooks }: Spec, report: Report): void {
  for (const [index, mount] of (mounts ?? []).entries())
    checkMount(mount, `mounts[${index}]`, report);
  for (const kind of hookKinds) {
    for (const [index, hook] of (hooks?.[kind] ?? []).entries())
      checkEnvironment(hook, `hooks.${kind}[${index}]`, report);
  }
}

function checkMount(
  { type, source, options = [], uidMappings, gidMappings }: Mount,
  path: string,
  report: Report,
): void {
  const bind = type === 'bind' || options.includes('bind') || options.includes('rbind');
  const remount = options.includes('remount');
  if (bind && !source && !remount) report(`${path}.source`, 'is required for a bind mount');
  if (!bind && !remount && !type)
    report(`${path}.type`, 'is required unless the options have bind or rbind');
  if ((uidMappings === undefined) !== (gidMappings === undefined)) {
    report(path, 'must have both uidMappings and gidMappings, or neither');
  }
}

function checkEnvironment({ env = [] }: Hook, path: string, report: Report): void {
  for (const [index, variable] of env.entries()) {
    if (variable.indexOf('=') < 1) report(`${path}.env[${index}]`, 'must have the form NAME=value');
  }
}
