import { capabilities } from '../spec/capabilities.js';
import { rlimitTypes } from '../spec/names.js';
import type { Process } from '../spec/types.js';
import { needsDeniedSetgroups } from './id-maps.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest, Warn } from './request.js';
import { planScheduling } from './scheduling.js';
import { resolveSeccomp } from './seccomp.js';

/** What execvp searches when there is no PATH. */
const DEFAULT_SEARCH = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

/** runc's and the field's; the specification leaves it open. */
const DEFAULT_UMASK = 0o022;

const NOFILE = 'RLIMIT_NOFILE';

/** Hard limits above the caller's can be set only before entering a user namespace. */
export function raiseLimits(
  process: Process,
  request: PlanRequest,
  namespaces: Namespaces,
): Operation[] {
  if (!request.host.privileged || !namespaces.has('user')) return [];
  return (process.rlimits ?? []).map(({ type, hard }) => ({
    op: 'raiseRlimit',
    resource: rlimitTypes.indexOf(type),
    hard: BigInt(hard),
  }));
}

/** The last steps of create: where the program will run and whether it is there. */
export function checkProgram(process: Process): Operation[] {
  return [
    { op: 'changeDirectory', path: process.cwd, retry: false },
    { op: 'findExecutable', name: process.args?.[0] ?? '', search: searchPath(process) },
  ];
}

/** From the start to the user's program, in the order that the kernel's privileges allow. */
export function becomeProgram(
  process: Process,
  request: PlanRequest,
  namespaces: Namespaces,
  warn: Warn,
): Operation[] {
  const { user } = process;
  const seccomp = loadSeccomp(request);
  const noNewPrivileges = process.noNewPrivileges === true;
  const groups = user.additionalGids ?? [];
  const operations: Operation[] = [
    ...findHome(process),
    prepareExec(process, request),
    // While CAP_SYS_NICE is there and nothing is forbidden yet.
    ...planScheduling(process, request, namespaces).late,
  ];
  for (const { type, soft, hard } of process.rlimits ?? []) {
    operations.push({
      op: 'setRlimit',
      resource: rlimitTypes.indexOf(type),
      soft: BigInt(soft),
      hard: BigInt(hard),
    });
  }
  if (request.openFiles !== undefined && !process.rlimits?.some(({ type }) => type === NOFILE)) {
    const resource = rlimitTypes.indexOf(NOFILE);
    operations.push({ op: 'setSoftLimit', resource, soft: BigInt(request.openFiles) });
  }
  operations.push({ op: 'setUmask', mask: user.umask ?? DEFAULT_UMASK });
  if (noNewPrivileges) operations.push({ op: 'setNoNewPrivileges' });
  // Without no_new_privs a filter may be loaded only with CAP_SYS_ADMIN; with it, as late as possible,
  // so that the filter needs to allow nothing but the exec.
  else operations.push(...seccomp);
  operations.push(
    { op: 'setBoundingSet', keep: capabilitySet(process, 'bounding', request, namespaces, warn) },
    {
      op: 'setUser',
      uid: user.uid,
      gid: user.gid,
      groups,
      setGroups: !needsDeniedSetgroups(request, namespaces),
    },
    ...setCapabilities(process, request, namespaces, warn),
    { op: 'changeDirectory', path: process.cwd, retry: true },
    { op: 'announceExec' },
  );
  if (noNewPrivileges) operations.push(...seccomp);
  operations.push({ op: 'exec', name: process.args?.[0] ?? '', search: searchPath(process) });
  return operations;
}

/** A file of the container, so it is read before a limit of descriptors or a filter could be in the way. */
function findHome({ env = [], user }: Process): Operation[] {
  if (env.some((variable) => variable.startsWith('HOME='))) return [];
  return [{ op: 'findHome', uid: user.uid }];
}

function loadSeccomp(request: PlanRequest): Operation[] {
  const seccomp = request.spec.linux?.seccomp;
  if (seccomp === undefined) return [];
  const { policy, flags, listener } = resolveSeccomp(seccomp, request.host);
  return [{ op: 'loadSeccomp', flags, listener, filter: policy }];
}

const quiet: Warn = () => {};

type SetName = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient';

function setCapabilities(
  process: Process,
  request: PlanRequest,
  namespaces: Namespaces,
  warn: Warn,
): Operation[] {
  const bits = (name: SetName, report: Warn): bigint =>
    capabilitySet(process, name, request, namespaces, report);
  // The kernel refuses sets that break these rules (capabilities(7)).
  const within = (name: SetName, others: Partial<Record<SetName, bigint>>): bigint => {
    let allowed = bits(name, name === 'inheritable' ? warn : quiet);
    for (const [other, set] of Object.entries(others)) {
      const missing = namesOf(allowed & ~set);
      if (missing.length > 0)
        warn(`${missing.join(', ')}: left out of the ${name} set: not in the ${other} set`);
      allowed &= set;
    }
    return allowed;
  };
  const bounding = bits('bounding', quiet);
  const permitted = bits('permitted', warn);
  const inheritable = within('inheritable', { bounding });
  return [
    {
      op: 'setCapabilities',
      permitted,
      effective: within('effective', { permitted }),
      inheritable,
      ambient: within('ambient', { permitted, inheritable }),
    },
  ];
}

function namesOf(bits: bigint): string[] {
  return capabilities.filter((_, number) => (bits & (1n << BigInt(number))) !== 0n);
}

/**
 * config.md, "process.capabilities": what can't be mapped to the kernel or can't be granted is warned of and
 * left out. No set at all means no capability.
 */
function capabilitySet(
  process: Process,
  name: SetName,
  request: PlanRequest,
  namespaces: Namespaces,
  warn: Warn,
): bigint {
  const { host } = request;
  // A new user namespace begins with all of them.
  const known = (2n << BigInt(host.lastCapability)) - 1n;
  const grantable = namespaces.has('user') ? known : host.capabilities;
  let bits = 0n;
  for (const capability of process.capabilities?.[name] ?? []) {
    const number = capabilities.indexOf(capability);
    const bit = number < 0 ? 0n : 1n << BigInt(number);
    if ((bit & known) === 0n)
      warn(`${capability} is left out of the ${name} set: this kernel doesn't know it`);
    else if ((bit & grantable) === 0n) {
      warn(`${capability} is left out of the ${name} set: the caller doesn't have it to give`);
    } else bits |= bit;
  }
  return bits;
}

function prepareExec(process: Process, request: PlanRequest): Operation {
  return {
    op: 'prepareExec',
    args: process.args ?? [],
    env: environment(process, request),
    preserve: request.preserveFds,
  };
}

/** With what sd_listen_fds(3) looks at, in place of what may be there: a program takes the first of a name. */
function environment(process: Process, { listenFds, listenFdNames }: PlanRequest): string[] {
  const env = process.env ?? [];
  if (listenFds === 0) return [...env];
  const names = listenFdNames === undefined ? [] : [`LISTEN_FDNAMES=${listenFdNames}`];
  const others = env.filter((variable) => !/^LISTEN_(FDS|PID|FDNAMES)=/.test(variable));
  return [...others, `LISTEN_FDS=${listenFds}`, 'LISTEN_PID=1', ...names];
}

/** The directories of the container's own PATH, the last that is given. */
function searchPath(process: Process): readonly string[] {
  const path = process.env?.findLast((variable) => variable.startsWith('PATH='));
  return path === undefined ? DEFAULT_SEARCH : path.slice('PATH='.length).split(':');
}
