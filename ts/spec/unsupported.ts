import type { Linux, Mount, Spec } from './types.js';
import type { Violation } from './violation.js';

/**
 * What is legal and what this version doesn't do: it is refused, never ignored. Values that ask for nothing
 * (0, false, empty: Docker writes many) are no reason.
 */
export function findUnsupported(spec: Spec): Violation[] {
  const asked = [
    ...ofPlatforms(spec),
    ...(spec.mounts ?? []).flatMap((mount, index) => ofMount(mount, `mounts[${index}]`)),
    ...ofLinux(spec.linux ?? {}),
  ];
  return asked.map((path) => ({ path, message: 'is not supported in this version of tsrunc' }));
}

/** The names of those properties that ask for something. */
function asking(prefix: string, properties: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(properties)
    .filter(([, value]) => asksForSomething(value))
    .map(([name]) => `${prefix}.${name}`);
}

/** Whether a part of a configuration wants anything: 0, false and what is empty don't. */
export function asksForSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null)
    return Object.values(value).some(asksForSomething);
  return Boolean(value);
}

/** Another platform's part is ignored next to Linux's; alone it says that the container isn't one of Linux. */
function ofPlatforms(spec: Spec): string[] {
  if (spec.linux !== undefined) return [];
  const properties: Readonly<Record<string, unknown>> = { ...spec };
  return ['freebsd', 'solaris', 'vm', 'windows', 'zos'].filter((name) => properties[name] != null);
}

function ofMount({ uidMappings, gidMappings, options = [] }: Mount, path: string): string[] {
  const names = ['idmap', 'ridmap', 'tmpcopyup'].filter((name) => options.includes(name));
  return [
    ...asking(path, { uidMappings, gidMappings }),
    ...names.map((name) => `${path}.options: "${name}"`),
  ];
}

function ofLinux({ mountLabel, timeOffsets, seccomp }: Linux): string[] {
  const paths = asking('linux', { mountLabel, timeOffsets });
  if (seccomp?.listenerPath) paths.push('linux.seccomp.listenerPath');
  for (const [index, { action }] of (seccomp?.syscalls ?? []).entries()) {
    if (action === 'SCMP_ACT_NOTIFY') paths.push(`linux.seccomp.syscalls[${index}].action`);
  }
  return paths;
}
