import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveSeccomp } from '../../../ts/plan/seccomp.js';
import type { LinuxSeccomp } from '../../../ts/spec/types.js';

/** The policy and flags of an otherwise empty configuration. */
function resolve(parts: Partial<LinuxSeccomp>, arch = 'x64') {
  return resolveSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', ...parts }, arch);
}

test('actions become the 32-bit values of seccomp(2)', () => {
  const values: [string, number][] = [
    ['SCMP_ACT_KILL', 0],
    ['SCMP_ACT_KILL_THREAD', 0],
    ['SCMP_ACT_KILL_PROCESS', 0x80000000],
    ['SCMP_ACT_TRAP', 0x30000],
    ['SCMP_ACT_LOG', 0x7ffc0000],
    ['SCMP_ACT_ALLOW', 0x7fff0000],
  ];
  for (const [defaultAction, value] of values) {
    assert.is(resolve({ defaultAction }).policy.defaultAction, value, defaultAction);
  }
});

test('an errno goes into the action, EPERM when there is none', () => {
  assert.is(resolve({ defaultAction: 'SCMP_ACT_ERRNO' }).policy.defaultAction, 0x50001);
  assert.is(
    resolve({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }).policy.defaultAction,
    0x50026,
  );
  assert.is(
    resolve({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 0 }).policy.defaultAction,
    0x50000,
  );
  assert.is(
    resolve({ defaultAction: 'SCMP_ACT_TRACE', defaultErrnoRet: 7 }).policy.defaultAction,
    0x7ff00007,
  );
  const { rules } = resolve({
    syscalls: [
      { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 2 },
      { names: ['rmdir'], action: 'SCMP_ACT_ERRNO' },
    ],
  }).policy;
  assert.equal(
    rules.map((rule) => rule.action),
    [0x50002, 0x50001],
  );
});

test('an errno beyond 16 bits is refused, not cut off', () => {
  assert.throws(
    () =>
      resolve({ syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 65536 + 1 }] }),
    /linux\.seccomp\.syscalls\[0\] has the errno 65537/,
  );
});

test('the native architecture is always there, each one once', () => {
  assert.equal(resolve({}).policy.architectures, ['SCMP_ARCH_X86_64']);
  assert.equal(resolve({}, 'arm64').policy.architectures, ['SCMP_ARCH_AARCH64']);
  assert.equal(
    resolve({ architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'] }).policy.architectures,
    ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  );
});

test('argument values keep all their 64 bits', () => {
  const largest = 2n ** 64n - 1n;
  const { rules } = resolve({
    syscalls: [
      {
        names: ['personality'],
        action: 'SCMP_ACT_ALLOW',
        args: [
          { index: 0, value: largest, op: 'SCMP_CMP_EQ' },
          { index: 1, value: 255, valueTwo: 8, op: 'SCMP_CMP_MASKED_EQ' },
        ],
      },
    ],
  }).policy;
  assert.equal(rules[0]?.args, [
    { index: 0, op: 'SCMP_CMP_EQ', value: largest, valueTwo: 0n },
    { index: 1, op: 'SCMP_CMP_MASKED_EQ', value: 255n, valueTwo: 8n },
  ]);
});

test('flags become the bits that matter to one thread without a listener', () => {
  assert.is(resolve({}).flags, 0);
  assert.is(
    resolve({ flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] }).flags,
    6,
  );
  assert.is(resolve({ flags: ['SECCOMP_FILTER_FLAG_TSYNC'] }).flags, 0);
  assert.is(resolve({ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }).flags, 0);
});

test('names that nobody knows are refused', () => {
  assert.throws(() => resolve({ defaultAction: 'SCMP_ACT_SING' }), /SCMP_ACT_SING/);
  assert.throws(() => resolve({ flags: ['SECCOMP_FILTER_FLAG_SING'] }), /SECCOMP_FILTER_FLAG_SING/);
});

test.run();
