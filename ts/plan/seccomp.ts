import { TsruncError } from '../errors.js';
import type { SeccompArgument, SeccompPolicy } from '../native/native.js';
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

/**
 * The kernel's SECCOMP_FILTER_FLAG_*. TSYNC is nothing to a process with one thread, and
 * WAIT_KILLABLE_RECV nothing without a listener: the kernel would refuse the filter.
 */
const flagBits: ReadonlyMap<string, number> = new Map([
  ['SECCOMP_FILTER_FLAG_TSYNC', 0],
  ['SECCOMP_FILTER_FLAG_LOG', 1 << 1],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 1 << 2],
  ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 0],
]);

const nativeArchitectures: Readonly<Record<string, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};

/**
 * config-linux.md, "Seccomp", with its names and defaults resolved, for libseccomp and seccomp(2).
 *
 * @param arch the machine's architecture as Node names it.
 * @returns the policy, and the kernel's bits for the filter's flags.
 * @throws TsruncError INVALID_CONFIG on a name or number that can't be.
 */
export function resolveSeccomp(
  seccomp: LinuxSeccomp,
  arch: string,
): { policy: SeccompPolicy; flags: number } {
  const native = nativeArchitectures[arch];
  const architectures = new Set([
    ...(native === undefined ? [] : [native]),
    ...(seccomp.architectures ?? []),
  ]);
  const rules = (seccomp.syscalls ?? []).map((syscall, index) => ({
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
  const defaultAction = resolveAction(
    seccomp.defaultAction,
    seccomp.defaultErrnoRet,
    'linux.seccomp',
  );
  return {
    policy: { defaultAction, architectures: [...architectures], rules },
    flags: resolveFlags(seccomp.flags ?? []),
  };
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

function resolveFlags(names: readonly string[]): number {
  let flags = 0;
  for (const name of names) {
    const bits = flagBits.get(name);
    if (bits === undefined)
      throw invalid(`linux.seccomp.flags has ${name}, which tsrunc doesn't know`);
    flags |= bits;
  }
  return flags;
}

function invalid(message: string): TsruncError {
  return new TsruncError(`${message}: correct config.json`, {
    code: 'INVALID_CONFIG',
    stage: 'config',
  });
}
