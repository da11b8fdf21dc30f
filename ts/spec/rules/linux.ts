import { type Report, show } from '../schema.js';
import { sysctlNamespace, sysctlPath } from '../sysctl.js';
import type { Linux, LinuxIDMapping, LinuxNamespace, Spec } from '../types.js';
import { checkMappingList } from './id-mappings.js';

/** config-linux.md: what connects namespaces with the properties that need one. */
export function checkLinux(spec: Spec, report: Report): void {
  const linux = spec.linux ?? {};
  const namespaces = checkNamespaces(linux.namespaces ?? [], report);
  checkNames(spec, namespaces, report);
  checkMappings(linux, namespaces, report);
  if (namespaces.get('user') === 'new') checkUser(spec, report);
  checkSysctls(spec, namespaces, report);
  checkDevices(linux, report);
  checkNetDevices(linux, namespaces, report);
  checkTimeOffsets(linux, namespaces, report);
  if ((linux.personality?.flags ?? []).length > 0) {
    report('linux.personality.flags', 'must be empty: the specification defines no flag yet');
  }
  if (linux.cgroupsPath?.split('/').includes('..')) {
    report('linux.cgroupsPath', `must not contain "..", is ${show(linux.cgroupsPath)}`);
  }
}

/** Half of what a clock can show, so that it never ends (the kernel's KTIME_SEC_MAX / 2). */
const MOST_SECONDS = 4_611_686_018;

function checkTimeOffsets({ timeOffsets = {} }: Linux, namespaces: Namespaces, report: Report) {
  if (Object.keys(timeOffsets).length > 0 && namespaces.get('time') !== 'new') {
    report(
      'linux.timeOffsets',
      namespaces.has('time')
        ? 'needs a new time namespace: the clocks of one that is joined are set'
        : 'needs a new time namespace: add {"type": "time"} to linux.namespaces',
    );
  }
  for (const [clock, { secs = 0 }] of Object.entries(timeOffsets)) {
    if (secs <= MOST_SECONDS && secs >= -MOST_SECONDS) continue;
    const path = `linux.timeOffsets[${show(clock)}].secs`;
    report(path, `must be from -${MOST_SECONDS} to ${MOST_SECONDS}, is ${secs}`);
  }
}

type Namespaces = ReadonlyMap<string, 'new' | 'joined'>;

function checkNamespaces(list: readonly LinuxNamespace[], report: Report): Namespaces {
  const found = new Map<string, 'new' | 'joined'>();
  for (const [index, { type, path }] of list.entries()) {
    if (found.has(type)) report(`linux.namespaces[${index}].type`, `${type} is there twice`);
    if (path && !path.startsWith('/')) {
      report(`linux.namespaces[${index}].path`, `must be an absolute path, is ${show(path)}`);
    }
    found.set(type, path ? 'joined' : 'new');
  }
  return found;
}

function checkNames({ hostname, domainname }: Spec, namespaces: Namespaces, report: Report): void {
  if (namespaces.has('uts')) return;
  const needs =
    'needs a uts namespace, or it would be the host\'s: add {"type": "uts"} to linux.namespaces';
  if (hostname) report('hostname', needs);
  if (domainname) report('domainname', needs);
}

function checkMappings(linux: Linux, namespaces: Namespaces, report: Report): void {
  for (const name of ['uidMappings', 'gidMappings'] as const) {
    const mappings = linux[name] ?? [];
    const path = `linux.${name}`;
    if (mappings.length > 0 && !namespaces.has('user')) {
      report(path, 'needs a user namespace: add {"type": "user"} to linux.namespaces');
    }
    if (mappings.length === 0 && namespaces.get('user') === 'new')
      report(path, 'is required for a new user namespace');
    checkMappingList(mappings, path, report);
  }
}

/** Maps may have gaps, but nobody can become a user who lies in one. */
function checkUser({ process, linux = {} }: Spec, report: Report): void {
  const mapped = (id: number, list: readonly LinuxIDMapping[] = []): boolean =>
    list.some(({ containerID, size }) => id >= containerID && id < containerID + size);
  const { uid = 0, gid = 0, additionalGids = [] } = process?.user ?? {};
  const check = (id: number, name: 'uidMappings' | 'gidMappings', path: string): void => {
    if ((linux[name]?.length ?? 0) > 0 && !mapped(id, linux[name]))
      report(path, `is not mapped by linux.${name}: ${id}`);
  };
  check(uid, 'uidMappings', 'process.user.uid');
  check(gid, 'gidMappings', 'process.user.gid');
  for (const [index, group] of additionalGids.entries())
    check(group, 'gidMappings', `process.user.additionalGids[${index}]`);
}

function checkSysctls(
  { hostname, domainname, linux }: Spec,
  namespaces: Namespaces,
  report: Report,
): void {
  const seen = new Map<string, string>();
  for (const [key, value] of Object.entries(linux?.sysctl ?? {})) {
    const path = `linux.sysctl[${JSON.stringify(key)}]`;
    const file = sysctlPath(key);
    if (file.split('/').some((part) => ['', '.', '..'].includes(part))) {
      report(path, 'is not the name of a sysctl');
      continue;
    }
    if ((seen.get(file) ?? value) !== value) report(path, 'is there twice, with different values');
    seen.set(file, value);
    const namespace = sysctlNamespace(file);
    if (namespace === undefined)
      report(path, 'belongs to no namespace: setting it would change the host');
    else if (!namespaces.has(namespace)) {
      report(
        path,
        `needs a ${namespace} namespace, or it would be the host's: add {"type": "${namespace}"} to linux.namespaces`,
      );
    }
  }
  const names = { hostname, domainname };
  for (const [property, name] of Object.entries(names)) {
    const value = seen.get(`kernel/${property}`);
    if (name && value !== undefined && value !== name)
      report(property, `is ${show(name)}, but linux.sysctl sets it to ${show(value)}`);
  }
}

function checkDevices({ devices = [] }: Linux, report: Report): void {
  const seen = new Map<string, string>();
  for (const [index, { type, path, major, minor }] of devices.entries()) {
    const at = `linux.devices[${index}]`;
    const device = `${type} ${major}:${minor}`;
    // The same one twice, as Docker writes for a repeated --device, is no contradiction.
    if ((seen.get(path) ?? device) !== device) {
      report(`${at}.path`, `${show(path)} is there twice, as different devices`);
    }
    seen.set(path, device);
    if (type === 'p') continue;
    for (const [name, number, most] of [
      ['major', major, 0xfff],
      ['minor', minor, 0xf_ffff],
    ] as const) {
      if (number === undefined) report(`${at}.${name}`, `is required for type ${type}`);
      else if (number < 0 || number > most)
        report(`${at}.${name}`, `must be from 0 to ${most}, is ${number}`);
    }
  }
}

/** Devices that would stay the runtime's, and names that two of them, or `lo`, can't both have. */
function checkNetDevices({ netDevices = {} }: Linux, namespaces: Namespaces, report: Report): void {
  const entries = Object.entries(netDevices);
  if (entries.length > 0 && !namespaces.has('network')) {
    report(
      'linux.netDevices',
      'needs a network namespace: add {"type": "network"} to linux.namespaces',
    );
  }
  const seen = new Map([['lo', 'each network namespace has a "lo" of its own']]);
  for (const [key, device] of entries) {
    const name = device.name || key;
    const at = `linux.netDevices[${JSON.stringify(key)}]${device.name ? '.name' : ''}`;
    const holder = seen.get(name);
    if (holder !== undefined)
      report(at, `the name ${show(name)} in the container is taken: ${holder}`);
    if (!name.includes('%')) seen.set(name, `${show(key)} is to have it`);
  }
}
