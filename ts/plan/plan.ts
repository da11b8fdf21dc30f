import { TsruncError } from '../errors.js';
import { noProcess } from '../spec/no-process.js';
import type { Process } from '../spec/types.js';
import { awaitCgroup, type CgroupJoin, joinCgroups } from './cgroup-join.js';
import { planDevices } from './devices.js';
import { planExecutionDomain } from './execution-domain.js';
import { planHooks } from './hooks.js';
import { labelKeyring, labelProgram, requireLabels } from './labels.js';
import { requireSelinux } from './mount-label.js';
import { readonlyMount } from './mount-options.js';
import { planMounts } from './mounts.js';
import {
  cloneInit,
  configureNamespaces,
  enterUserNamespace,
  joinNamespaces,
  type Namespaces,
  needsMountNamespace,
  readNamespaces,
  setClocks,
} from './namespaces.js';
import type { Operation, Program } from './operations.js';
import { becomeProgram, checkProgram, raiseLimits } from './process.js';
import type { PlanRequest, Warn } from './request.js';
import { changeRoot, openRoot, setRootPropagation } from './root.js';
import { planScheduling } from './scheduling.js';
import { Sources } from './sources.js';

/**
 * Compiles a configuration: Spec and Host in, the operations for init out. Pure: no file is read.
 * `warn` hears what the specification wants the operator to be warned of.
 *
 * Throws INVALID_CONFIG or UNSUPPORTED for what only the whole picture shows.
 */
export function plan(request: PlanRequest, warn: Warn = () => {}): Program {
  const process = request.spec.process ?? noProcess;
  const namespaces = readNamespaces(request);
  requireMountNamespace(request, namespaces);
  requireLabels(process, request.host);
  requireSelinux(request);
  const sources = new Sources();
  const mounts = planMounts(request, namespaces, sources);
  const devices = mounts.devIsBound ? [] : planDevices(request, namespaces, sources);
  const cgroups = joinCgroups(request, namespaces, [...sources.operations, ...mounts.mounts]);
  return {
    stage: planStage(request, namespaces, process, cgroups, sources.operations),
    create: [
      ...planSession(request, process),
      ...configureNamespaces(request, namespaces),
      ...openRoot(request, namespaces),
      ...mounts.mounts,
      ...devices,
      ...planConsole(process, mounts.devIsBound),
      ...cgroups.late,
      { op: 'makeWorkingDirectory', path: process.cwd },
      ...planCreateHooks(request),
      changeRoot(request, namespaces),
      ...planProtection(request, mounts.finish),
      ...setRootPropagation(request, namespaces),
      ...planExecutionDomain(request.spec.linux),
      ...(process === noProcess ? [] : checkProgram(process)),
      ...labelProgram(process, request.host),
      { op: 'awaitStart', listen: request.awaitStart },
    ],
    start: process === noProcess ? [] : planStart(request, process, namespaces, warn),
  };
}

function planStart(
  request: PlanRequest,
  process: Process,
  namespaces: Namespaces,
  warn: Warn,
): Operation[] {
  return [
    ...planHooks('startContainer', request.spec.hooks?.startContainer),
    ...becomeProgram(process, request, namespaces, warn),
  ];
}

/** What is done in the runtime's namespaces, before the clone. */
function planStage(
  request: PlanRequest,
  namespaces: Namespaces,
  process: Process,
  cgroups: CgroupJoin,
  sources: readonly Operation[],
): Operation[] {
  const operations: Operation[] = [{ op: 'openProc' }];
  if (process.oomScoreAdj !== undefined)
    operations.push({ op: 'setOomScoreAdj', value: process.oomScoreAdj });
  operations.push(...awaitCgroup(request));
  operations.push(...cgroups.early);
  // The container's cgroup decides where it runs, not what its caller was confined to, as with runc.
  if (request.cgroup !== undefined) operations.push({ op: 'setAffinity', cpus: [] });
  // An unprivileged parent can write the id maps only of a process that it could also trace.
  const hideLate = !request.host.privileged && namespaces.created.has('user');
  const hide: Operation = { op: 'setDumpable', value: false };
  if (!hideLate) operations.push(hide);
  const enterRootfs: Operation = { op: 'enterRootfs', source: request.rootfs };
  const mountsAreJoined = namespaces.joined.has('mount');
  const clocks = setClocks(request);
  operations.push(
    ...planScheduling(process, request, namespaces).early,
    ...clocks.before,
    ...raiseLimits(process, request, namespaces),
    // Before any user namespace: its root may not be let in on the way to the rootfs.
    ...(mountsAreJoined ? [] : [enterRootfs]),
    ...sources,
    ...joinNamespaces(namespaces, request),
    ...(mountsAreJoined ? [enterRootfs] : []),
    ...enterUserNamespace(request, namespaces),
    ...clocks.inside,
  );
  if (hideLate) operations.push(hide);
  operations.push(cloneInit(request, namespaces, cgroups));
  return operations;
}

export function planSession({ id, noNewKeyring }: PlanRequest, process: Process): Operation[] {
  const operations: Operation[] = [{ op: 'newSession' }];
  // Directories that are made have the modes that they are asked to have, whatever the caller's umask.
  operations.push({ op: 'setUmask', mask: 0o022 });
  if (!noNewKeyring) {
    operations.push(...labelKeyring(process), { op: 'joinSessionKeyring', name: `_ses.${id}` });
  }
  return operations;
}

export function planConsole(process: Process, devIsBound: boolean): Operation[] {
  if (!process.terminal) return [];
  const { width = 0, height = 0 } = process.consoleSize ?? {};
  return [{ op: 'openConsole', width, height, uid: process.user.uid, bind: !devIsBound }];
}

/** Prestart and createRuntime hooks are the parent's; createContainer hooks are init's. */
function planCreateHooks({ spec }: PlanRequest): Operation[] {
  const { prestart = [], createRuntime = [], createContainer = [] } = spec.hooks ?? {};
  if (prestart.length + createRuntime.length + createContainer.length === 0) return [];
  return [{ op: 'awaitHooks' }, ...planHooks('createContainer', createContainer)];
}

/** Read-only root, read-only mounts, masked and read-only paths. */
function planProtection({ spec }: PlanRequest, finish: readonly Operation[]): Operation[] {
  const operations = [...finish];
  if (spec.root?.readonly) operations.push(readonlyMount('/'));
  for (const path of spec.linux?.readonlyPaths ?? []) operations.push({ op: 'readonlyPath', path });
  for (const path of spec.linux?.maskedPaths ?? []) operations.push({ op: 'maskPath', path });
  return operations;
}

/** Without a mount namespace of its own, a container's mounts would be the host's. */
function requireMountNamespace({ spec }: PlanRequest, namespaces: Namespaces): void {
  if (namespaces.has('mount') || !needsMountNamespace(spec)) return;
  throw new TsruncError(
    'config.json: linux.namespaces: mounts, masked and read-only paths, a read-only root and a terminal need a mount namespace, or they would be the host\'s: add {"type": "mount"}',
    { code: 'INVALID_CONFIG', stage: 'config' },
  );
}
