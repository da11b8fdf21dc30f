import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import type { SeccompArgument, SeccompPolicy } from '../../ts/native/native.js';

const native = loadNative();

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const KILL_PROCESS = 0x80000000;

const compile = (policy: SeccompPolicy): Promise<Uint8Array> =>
  native.compileSeccomp(policy).then(({ filter }) => filter);

/** AUDIT_ARCH_* and system call numbers of this machine; those of 32-bit x86 for the policies with two. */
const own =
  process.arch === 'arm64'
    ? { audit: 0xc00000b7, arch: 'SCMP_ARCH_AARCH64', getpid: 172, personality: 92 }
    : { audit: 0xc000003e, arch: 'SCMP_ARCH_X86_64', getpid: 39, personality: 135 };

const other =
  process.arch === 'arm64'
    ? { audit: 0x40000028, arch: 'SCMP_ARCH_ARM', getpid: 20 }
    : { audit: 0x40000003, arch: 'SCMP_ARCH_X86', getpid: 20 };

/** What a filter answers to a system call: an interpreter of the classic BPF that libseccomp makes. */
function verdict(
  program: Uint8Array,
  audit: number,
  number: number,
  args: readonly bigint[] = [],
): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, arg] of args.entries()) data.writeBigUInt64LE(arg, 16 + 8 * index);
  const code = Buffer.from(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [operation, whenTrue, whenFalse] = [
      code.readUInt16LE(8 * at),
      code[8 * at + 2] ?? 0,
      code[8 * at + 3] ?? 0,
    ];
    const k = code.readUInt32LE(8 * at + 4);
    const jump = (condition: boolean): number => (condition ? whenTrue : whenFalse);
    if (operation === 0x06) return k;
    else if (operation === 0x20) accumulator = data.readUInt32LE(k);
    else if (operation === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (operation === 0x05) at += k;
    else if (operation === 0x15) at += jump(accumulator === k);
    else if (operation === 0x25) at += jump(accumulator > k);
    else if (operation === 0x35) at += jump(accumulator >= k);
    else if (operation === 0x45) at += jump((accumulator & k) !== 0);
    else throw new Error(`instruction ${at} is of an unknown kind: 0x${operation.toString(16)}`);
  }
}

function policy(parts: Partial<SeccompPolicy>): SeccompPolicy {
  return { defaultAction: ALLOW, architectures: [own.arch], rules: [], ...parts };
}

const argument = (index: number, op: string, value: bigint, valueTwo = 0n): SeccompArgument => ({
  index,
  op,
  value,
  valueTwo,
});

/** The verdict on personality(2) with these arguments, when it is refused under these conditions. */
async function onPersonality(
  conditions: readonly SeccompArgument[],
  ...args: bigint[]
): Promise<number> {
  const rules = [{ action: EPERM, names: ['personality'], args: conditions }];
  return verdict(await compile(policy({ rules })), own.audit, own.personality, args);
}

const compiling = suite('compileSeccomp');

compiling('a rule applies to its system call, the default to all others', async () => {
  const program = await compile(
    policy({ rules: [{ action: EPERM, names: ['getpid'], args: [] }] }),
  );
  assert.is(program.length % 8, 0);
  assert.is(verdict(program, own.audit, own.getpid), EPERM);
  assert.is(verdict(program, own.audit, own.personality), ALLOW);
});

compiling('an architecture that is not listed is killed', async () => {
  const program = await compile(policy({}));
  assert.is(verdict(program, other.audit, other.getpid), 0);
});

compiling('each listed architecture has its own numbers', async () => {
  const program = await compile(
    policy({
      architectures: [other.arch],
      rules: [{ action: EPERM, names: ['getpid'], args: [] }],
    }),
  );
  assert.is(verdict(program, own.audit, own.getpid), EPERM);
  assert.is(verdict(program, other.audit, other.getpid), EPERM);
  assert.is(verdict(program, other.audit, other.getpid + 1), ALLOW);
});

compiling('names that libseccomp does not know are left out', async () => {
  const [known, more] = await Promise.all(
    [['getpid'], ['no_such_call', 'getpid', 'nor_this']].map((names) =>
      compile(policy({ rules: [{ action: EPERM, names, args: [] }] })),
    ),
  );
  assert.equal(more, known);
});

compiling('a rule that says what the default says changes nothing', async () => {
  const rules = [{ action: ALLOW, names: ['getpid'], args: [] }];
  assert.equal(await compile(policy({ rules })), await compile(policy({})));
});

compiling('conditions on several arguments hold together', async () => {
  const conditions = [argument(0, 'SCMP_CMP_EQ', 8n), argument(1, 'SCMP_CMP_GT', 2n)];
  assert.is(await onPersonality(conditions, 8n, 3n), EPERM);
  assert.is(await onPersonality(conditions, 8n, 2n), ALLOW);
  assert.is(await onPersonality(conditions, 9n, 3n), ALLOW);
});

compiling('of several conditions on one argument, any will do', async () => {
  const conditions = [argument(0, 'SCMP_CMP_EQ', 8n), argument(0, 'SCMP_CMP_EQ', 9n)];
  assert.is(await onPersonality(conditions, 8n), EPERM);
  assert.is(await onPersonality(conditions, 9n), EPERM);
  assert.is(await onPersonality(conditions, 10n), ALLOW);
});

compiling('each operator compares all 64 bits', async () => {
  const value = 0x1_0000_0005n;
  const holds: Record<string, (arg: bigint) => boolean> = {
    SCMP_CMP_NE: (arg) => arg !== value,
    SCMP_CMP_LT: (arg) => arg < value,
    SCMP_CMP_LE: (arg) => arg <= value,
    SCMP_CMP_EQ: (arg) => arg === value,
    SCMP_CMP_GE: (arg) => arg >= value,
    SCMP_CMP_GT: (arg) => arg > value,
  };
  for (const [op, matches] of Object.entries(holds)) {
    for (const arg of [
      0n,
      5n,
      0x1_0000_0004n,
      value,
      0x1_0000_0006n,
      0x2_0000_0005n,
      2n ** 64n - 1n,
    ]) {
      const expected = matches(arg) ? EPERM : ALLOW;
      assert.is(
        await onPersonality([argument(0, op, value)], arg),
        expected,
        `${arg} ${op} ${value}`,
      );
    }
  }
});

compiling('MASKED_EQ compares the bits under the mask', async () => {
  const condition = [argument(0, 'SCMP_CMP_MASKED_EQ', 0xf0n, 0x20n)];
  assert.is(await onPersonality(condition, 0x2fn), EPERM);
  assert.is(await onPersonality(condition, 0x3fn), ALLOW);
});

compiling('KILL_PROCESS survives its trip through a sign bit', async () => {
  const program = await compile(policy({ defaultAction: KILL_PROCESS }));
  assert.is(verdict(program, own.audit, own.getpid), KILL_PROCESS);
});

compiling('what cannot be compiled says why', async () => {
  const messageOf = async (wrong: Partial<SeccompPolicy>): Promise<string> =>
    compile(policy(wrong)).then(
      () => 'compiled',
      (error) => error.message,
    );
  assert.match(
    await messageOf({ architectures: ['SCMP_ARCH_PDP11'] }),
    /EINVAL.*'SCMP_ARCH_PDP11'/,
  );
  assert.match(await messageOf({ defaultAction: 0x12345678 }), /EINVAL.*seccomp_init/);
  assert.throws(
    () => compile(policy({ defaultAction: -1 })),
    /a seccomp action must be an integer/,
  );
  const rules = [{ action: EPERM, names: ['getpid'], args: [argument(6, 'SCMP_CMP_EQ', 0n)] }];
  assert.throws(() => compile(policy({ rules })), /index must be an integer from 0 to 5/);
});

compiling('many at once on all threads', async () => {
  const rules = [{ action: EPERM, names: ['getpid'], args: [] }];
  const programs = await Promise.all(Array.from({ length: 32 }, () => compile(policy({ rules }))));
  for (const program of programs) assert.equal(program, programs[0]);
});

compiling.run();
