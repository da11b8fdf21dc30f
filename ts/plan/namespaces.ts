import { TsruncError } from '../errors.js';
import { sysctlNamespace, sysctlPath } from '../spec/sysctl.js';
import type { Spec } from '../spec/types.js';
import type { CgroupJoin } from './cgroup-join.js';
import { requireOnePage } from './id-maps.js';
import { CLONE_FLAGS } from './kernel.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

export type NamespaceType = keyof typeof CLONE_FLAGS;

/** What becomes of each namespace: made, joined by path, or left the caller's. */
export interface Namespaces {
  readonly created: ReadonlySet<NamespaceType>;
  readonly joined: ReadonlyMap<NamespaceType, string>;
  has(type: NamespaceType): boolean;
}

export function readNamespaces(request: PlanRequest): Namespaces {
  const created = new Set<NamespaceType>();
  const joined = new Map<NamespaceType, string>();
  for (const { type, path } of request.spec.linux?.namespaces ?? []) {
    if (path) joined.set(type as NamespaceType, path);
    else created.add(type as NamespaceType);
  }
  return { created, joined, has: (type) => created.has(type) || joined.has(type) };
}

/**
 * Joins those with a path: the user namespace last, the mount namespace last but one, since paths change with it.
 * A path may lead back to the host's own namespace: that is refused where the configuration changes the namespace.
 */
export function joinNamespaces({ joined }: Namespaces, request: PlanRequest): Operation[] {
  if (joined.size === 0) return [];
  const rank = (type: NamespaceType): number => (type === 'user' ? 2 : type === 'mount' ? 1 : 0);
  const sorted = [...joined].sort(([a], [b]) => rank(a) - rank(b));
  return [
    {
      op: 'joinNamespaces',
      types: sorted.map(([type]) => CLONE_FLAGS[type]),
      files: sorted.map(([, file]) => file),
      foreign: changedNamespaces(request).reduce((bits, type) => bits | CLONE_FLAGS[type], 0),
    },
  ];
}

/** The namespaces in which something is set that all who live there would get. */
function changedNamespaces({ spec }: PlanRequest): NamespaceType[] {
  const sysctls = Object.keys(spec.linux?.sysctl ?? {}).map(sysctlPath);
  const changed = new Set<NamespaceType>();
  for (const sysctl of sysctls) {
    const namespace = sysctlNamespace(sysctl);
    // The kernel lets nobody join the user namespace that he is in.
    if (namespace !== undefined && namespace !== 'user') changed.add(namespace);
  }
  if (spec.hostname || spec.domainname) changed.add('uts');
  if (needsMountNamespace(spec)) changed.add('mount');
  return [...changed];
}

/** Whether there is anything that would otherwise be mounted in the caller's mount namespace. */
export function needsMountNamespace(spec: Spec): boolean {
  const { maskedPaths = [], readonlyPaths = [] } = spec.linux ?? {};
  const mounts = (spec.mounts?.length ?? 0) + maskedPaths.length + readonlyPaths.length;
  return mounts > 0 || spec.root?.readonly === true || spec.process?.terminal === true;
}

/** Enters the user namespace, if the container has one, as its root. */
export function enterUserNamespace(request: PlanRequest, namespaces: Namespaces): Operation[] {
  if (!namespaces.has('user')) return [];
  const become = becomeContainerRoot(request, namespaces);
  if (namespaces.joined.has('user')) return [become];
  const { uidMappings, gidMappings } = request.spec.linux ?? {};
  requireOnePage(uidMappings ?? [], 'linux.uidMappings', request.host);
  requireOnePage(gidMappings ?? [], 'linux.gidMappings', request.host);
  return [{ op: 'createUserNamespace' }, become];
}

/** Inside the container's user namespace: takes the ids of its root. */
export function becomeContainerRoot({ spec }: PlanRequest, { joined }: Namespaces): Operation {
  if (joined.has('user')) return { op: 'becomeRoot', uid: 0, gid: 0 };
  const { uidMappings, gidMappings } = spec.linux ?? {};
  return { op: 'becomeRoot', uid: rootOf(uidMappings), gid: rootOf(gidMappings) };
}

/** 0 where it is mapped: files are then made for the container's root; else the first id that is. */
function rootOf(mappings: readonly { containerID: number }[] | undefined): number {
  const first = mappings?.map((mapping) => mapping.containerID) ?? [];
  return first.includes(0) ? 0 : (first[0] ?? 0);
}

/**
 * The clone that makes all other new namespaces. One of time whose clocks are set is there before, one of cgroups that
 * are joined late comes later.
 */
export function cloneInit(
  request: PlanRequest,
  { created }: Namespaces,
  { namespaceIsLate }: CgroupJoin,
): Operation {
  const others = new Set<NamespaceType>(['user']);
  if (timeOffsets(request) !== '') others.add('time');
  if (namespaceIsLate) others.add('cgroup');
  let flags = 0;
  for (const type of created) if (!others.has(type)) flags |= CLONE_FLAGS[type];
  return { op: 'clone', flags: flags >>> 0 };
}

/** The lines of /proc/PID/timens_offsets: config-linux.md, "Offset for Time Namespace". */
function timeOffsets({ spec }: PlanRequest): string {
  return Object.entries(spec.linux?.timeOffsets ?? {})
    .map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`)
    .join('');
}

/** Before any user namespace is entered, and in the container's: a time namespace is its maker's user namespace's. */
export function setClocks(request: PlanRequest): { before: Operation[]; inside: Operation[] } {
  const offsets = timeOffsets(request);
  if (offsets === '') return { before: [], inside: [] };
  return {
    before: [{ op: 'openTimeOffsets' }],
    inside: [{ op: 'createTimeNamespace', offsets }],
  };
}

/** Names, sysctls and the loopback interface. */
export function configureNamespaces(request: PlanRequest, namespaces: Namespaces): Operation[] {
  const { spec } = request;
  const operations: Operation[] = [];
  if (spec.hostname) operations.push({ op: 'setHostname', name: spec.hostname });
  if (spec.domainname) operations.push({ op: 'setDomainname', name: spec.domainname });
  if (namespaces.created.has('network')) operations.push({ op: 'loopbackUp' });
  // Before the sysctls: some are a device's.
  operations.push(...planNetDevices(request));
  for (const [key, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    operations.push({ op: 'writeSysctl', name: sysctlPath(key), value });
  }
  return operations;
}

/** The parent moves them: it is in the namespace where they are. */
function planNetDevices({ spec, host }: PlanRequest): Operation[] {
  if (Object.keys(spec.linux?.netDevices ?? {}).length === 0) return [];
  if ((host.capabilities & CAP_NET_ADMIN) !== 0n) return [{ op: 'awaitNetDevices' }];
  throw new TsruncError(
    "config.json: linux.netDevices: moving the host's network devices needs the capability CAP_NET_ADMIN on the host: run as root, or leave them out",
    { code: 'UNSUPPORTED', stage: 'network' },
  );
}

const CAP_NET_ADMIN = 1n << 12n;
