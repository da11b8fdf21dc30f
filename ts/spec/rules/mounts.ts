import { hookKinds } from '../names.js';
import type { Report } from '../schema.js';
import type { Hook, Mount, Spec } from '../types.js';
import { checkMappingList } from './id-mappings.js';

/** config.md, "Mounts" and "POSIX-platform Hooks". A relative destination, deprecated, is one from the root. */
export function checkMounts({ mounts, hooks, linux }: Spec, report: Report): void {
  const hasUsers = linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
  for (const [index, mount] of (mounts ?? []).entries()) {
    checkMount(mount, `mounts[${index}]`, report);
    checkIdMappings(mount, hasUsers, `mounts[${index}]`, report);
  }
  for (const kind of hookKinds) {
    for (const [index, hook] of (hooks?.[kind] ?? []).entries())
      checkEnvironment(hook, `hooks.${kind}[${index}]`, report);
  }
}

function checkMount({ type, source, options = [] }: Mount, path: string, report: Report): void {
  const bind = type === 'bind' || options.includes('bind') || options.includes('rbind');
  const remount = options.includes('remount');
  if (bind && !source && !remount) report(`${path}.source`, 'is required for a bind mount');
  if (!bind && !remount && !type)
    report(`${path}.type`, 'is required unless the options have bind or rbind');
}

/** "Linux mount options", idmap: the mount's own mappings, or else the container's. Empty ones are none. */
function checkIdMappings(
  { options = [], uidMappings = [], gidMappings = [] }: Mount,
  hasUsers: boolean,
  path: string,
  report: Report,
): void {
  if (uidMappings.length > 0 !== gidMappings.length > 0)
    report(path, 'must have both uidMappings and gidMappings, or neither');
  checkMappingList(uidMappings, `${path}.uidMappings`, report);
  checkMappingList(gidMappings, `${path}.gidMappings`, report);
  const option = options.find((name) => name === 'idmap' || name === 'ridmap');
  const own = uidMappings.length + gidMappings.length > 0;
  if (option === undefined || own || hasUsers) return;
  report(
    `${path}.options`,
    `"${option}" needs uidMappings and gidMappings of the mount, or a user namespace of the container`,
  );
}

function checkEnvironment({ env = [] }: Hook, path: string, report: Report): void {
  for (const [index, variable] of env.entries()) {
    if (variable.indexOf('=') < 1) report(`${path}.env[${index}]`, 'must have the form NAME=value');
  }
}
