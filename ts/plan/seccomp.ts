import { TsruncError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { SeccompArgument, SeccompPolicy } from '../native/native.js';
import { seccompActions, seccompArchitectures, seccompFlags } from '../spec/names.js';
import { hasNotifications } from '../spec/rules/seccomp.js';
import type { LinuxSeccomp } from '../spec/types.js';

/** libseccomp's SCMP_ACT_*. The low 16 bits of ERRNO and TRACE are for their number. */
const actions: ReadonlyMap<string, number> = new Map([
  ['SCMP_ACT_KILL', 0x0000_0000],
  ['SCMP_ACT_KILL_THREAD', 0x0000_0000],
  ['SCMP_ACT_KILL_PROCESS', 0x8000_0000],
  ['SCMP_ACT_TRAP', 0x0003_0000],
  ['SCMP_ACT_ERRNO', 0x0005_0000],
  ['SCMP_ACT_TRACE', 0x7ff0_0000],
  ['SCMP_ACT_NOTIFY', 0x7fc0_0000],
  ['SCMP_ACT_LOG', 0x7ffc_0000],
  ['SCMP_ACT_ALLOW', 0x7fff_0000],
]);

const withNumber: ReadonlySet<string> = new Set(['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE']);
const EPERM = 1;

/** Under these defaults a new system call is let through, or somebody else decides about it. */
const openActions: ReadonlySet<string> = new Set([
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_NOTIFY',
]);
/** The values of the actions that let a system call through. */
export const lenientActions: ReadonlySet<number> = new Set([0x7ffc_0000, 0x7fff_0000]);

/** SCMP_ACT_ERRNO with ENOSYS. */
const NOT_THERE = 0x0005_0000 + 38;

const NEW_LISTENER = 1 << 3;
/** The kernel's SECCOMP_FILTER_FLAG_*; TSYNC is nothing to a process with one thread. */
const flagBits: ReadonlyMap<string, number> = new Map([
  ['SECCOMP_FILTER_FLAG_TSYNC', 0],
  ['SECCOMP_FILTER_FLAG_LOG', 1 << 1],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 1 << 2],
  ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 1 << 5],
]);
const WAIT_KILLABLE = 1 << 5;

const nativeArchitectures: Readonly<Record<string, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};

/** A filter is for one byte order, and tsrunc's machines are little-endian. */
const bigEndian: ReadonlySet<string> = new Set([
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
]);
/** libseccomp 2.5.4, which is linked in, came before them. */
const unknownArchitectures: ReadonlySet<string> = new Set([
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
]);

/** What `features` says: the names of the specification that a filter can be made with. */
export const supportedSeccomp = {
  actions: seccompActions.filter((name) => actions.has(name)),
  architectures: seccompArchitectures.filter(
    (name) => !bigEndian.has(name) && !unknownArchitectures.has(name),
  ),
  flags: seccompFlags.filter((name) => flagBits.has(name)),
};

/** A filter with its names and defaults resolved, for libseccomp and seccomp(2). */
export interface ResolvedSeccomp {
  readonly policy: SeccompPolicy;
  /** The kernel's bits for the load. */
  readonly flags: number;
  /** Whether there are notifications, for the agent at listenerPath. */
  readonly listener: boolean;
}

/** What was resolved for a filter that many containers share. */
const resolved = new WeakMap<LinuxSeccomp, { readonly arch: string; policy: SeccompPolicy }>();

/**
 * config-linux.md, "Seccomp".
 *
 * @throws TsruncError INVALID_CONFIG on a name or number that can't be, UNSUPPORTED on an architecture
 * that no filter can be made for here, and on a flag that is newer than the kernel.
 */
export function resolveSeccomp(
  seccomp: LinuxSeccomp,
  { arch, kernel }: Pick<Host, 'arch' | 'kernel'>,
): ResolvedSeccomp {
  const known = resolved.get(seccomp);
  const policy = known?.arch === arch ? known.policy : resolvePolicy(seccomp, arch);
  resolved.set(seccomp, { arch, policy });
  const listener = hasNotifications(seccomp);
  return { policy, flags: resolveFlags(seccomp.flags ?? [], listener, kernel), listener };
}

function resolvePolicy(seccomp: LinuxSeccomp, arch: Host['arch']): SeccompPolicy {
  const { defaultAction, defaultErrnoRet, syscalls = [] } = seccomp;
  const rules = syscalls.map((syscall, index) => ({
    action: resolveAction(syscall.action, syscall.errnoRet, `linux.seccomp.syscalls[${index}]`),
    names: syscall.names,
    args: (syscall.args ?? []).map(
      (arg): SeccompArgument => ({
        index: arg.index,
        op: arg.op,
        value: BigInt(arg.value),
        valueTwo: BigInt(arg.valueTwo ?? 0),
      }),
    ),
  }));
  return {
    defaultAction: resolveAction(defaultAction, defaultErrnoRet, 'linux.seccomp'),
    ...(openActions.has(defaultAction) ? {} : { newerAction: NOT_THERE }),
    architectures: resolveArchitectures(seccomp.architectures ?? [], arch),
    rules,
  };
}

function resolveArchitectures(wanted: readonly string[], arch: string): string[] {
  for (const [index, name] of wanted.entries()) {
    const where = `config.json: linux.seccomp.architectures[${index}]`;
    if (bigEndian.has(name))
      throw unsupported(
        `${where}: ${name} is big-endian and this machine is not, so it can run no such program: leave it out`,
      );
    if (unknownArchitectures.has(name))
      throw unsupported(
        `${where}: ${name} is not known to the libseccomp that tsrunc is built with: leave it out`,
      );
  }
  const native = nativeArchitectures[arch];
  return [...new Set([...(native === undefined ? [] : [native]), ...wanted])];
}

function resolveAction(name: string, errnoRet: number | undefined, where: string): number {
  const action = actions.get(name);
  if (action === undefined)
    throw invalid(`${where} has the action ${name}, which tsrunc doesn't know`);
  if (!withNumber.has(name)) return action;
  const number = errnoRet ?? EPERM;
  if (!Number.isInteger(number) || number < 0 || number > 0xffff) {
    throw invalid(`${where} has the errno ${number}, but ${name} takes 0 to 65535`);
  }
  return action + number;
}

function resolveFlags(names: readonly string[], listener: boolean, kernel: Host['kernel']): number {
  let flags = listener ? NEW_LISTENER : 0;
  for (const name of names) {
    const bits = flagBits.get(name);
    if (bits === undefined)
      throw invalid(`linux.seccomp.flags has ${name}, which tsrunc doesn't know`);
    flags |= bits;
  }
  // The kernel refuses it for a filter without notifications, to which it is nothing.
  if (!listener) flags &= ~WAIT_KILLABLE;
  if (
    (flags & WAIT_KILLABLE) !== 0 &&
    (kernel.major < 5 || (kernel.major === 5 && kernel.minor < 19))
  )
    throw unsupported(
      `config.json: linux.seccomp.flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19 or later and this is ${kernel.major}.${kernel.minor}: leave it out`,
    );
  return flags;
}

function unsupported(message: string): TsruncError {
  return new TsruncError(message, { code: 'UNSUPPORTED', stage: 'config' });
}

function invalid(message: string): TsruncError {
  return new TsruncError(`${message}: correct config.json`, {
    code: 'INVALID_CONFIG',
    stage: 'config',
  });
}
