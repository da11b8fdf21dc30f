import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveSeccomp, supportedSeccomp } from '../../../ts/plan/seccomp.js';
import { seccompArchitectures } from '../../../ts/spec/names.js';
import type { LinuxSeccomp } from '../../../ts/spec/types.js';

/** The policy and flags of an otherwise empty configuration. */
function resolve(parts: Partial<LinuxSeccomp>, arch = 'x64', kernel = { major: 6, minor: 18 }) {
  return resolveSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', ...parts }, { arch, kernel });
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

const notify = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }];
const NEW_LISTENER = 8;

test('flags become the bits that matter to one thread', () => {
  const bits = (...flags: string[]): number => resolve({ flags }).flags;
  assert.is(bits(), 0);
  assert.is(bits('SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'), 6);
  assert.is(bits('SECCOMP_FILTER_FLAG_TSYNC'), 0);
});

test('the kernel takes WAIT_KILLABLE_RECV only with a listener', () => {
  const flags = ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'];
  assert.is(resolve({ flags }).flags, 0);
  assert.is(resolve({ flags, syscalls: notify }).flags, 32 + NEW_LISTENER);
  assert.is(resolve({ flags }, 'x64', { major: 5, minor: 18 }).flags, 0);
  assert.throws(
    () => resolve({ flags, syscalls: notify }, 'x64', { major: 5, minor: 18 }),
    /WAIT_KILLABLE_RECV needs Linux 5\.19 or later and this is 5\.18/,
  );
});

test('notifications need a listener, a path to one alone needs none', () => {
  assert.equal(resolve({ syscalls: notify }).listener, true);
  assert.is(resolve({ syscalls: notify }).flags, NEW_LISTENER);
  assert.equal(resolve({ defaultAction: 'SCMP_ACT_NOTIFY' }).listener, true);
  assert.equal(resolve({ listenerPath: '/run/agent' }).listener, false);
});

test('calls newer than the profile are answered with ENOSYS where they would be denied', () => {
  const newer = (defaultAction: string) => resolve({ defaultAction }).policy.newerAction;
  for (const action of ['ERRNO', 'KILL', 'KILL_PROCESS', 'KILL_THREAD', 'TRAP'])
    assert.is(newer(`SCMP_ACT_${action}`), 0x50026, action);
  for (const action of ['ALLOW', 'LOG', 'TRACE', 'NOTIFY'])
    assert.is(newer(`SCMP_ACT_${action}`), undefined, action);
});

test('architectures that no filter can be made for here are refused, and not promised', () => {
  for (const architecture of seccompArchitectures) {
    const make = () => resolve({ architectures: [architecture] });
    if (supportedSeccomp.architectures.includes(architecture)) make();
    else assert.throws(make, new RegExp(`architectures\\[0\\]: ${architecture} is .*leave it out`));
  }
  assert.ok(supportedSeccomp.architectures.includes('SCMP_ARCH_RISCV64'));
});

test('names that nobody knows are refused', () => {
  assert.throws(() => resolve({ defaultAction: 'SCMP_ACT_SING' }), /SCMP_ACT_SING/);
  assert.throws(() => resolve({ flags: ['SECCOMP_FILTER_FLAG_SING'] }), /SECCOMP_FILTER_FLAG_SING/);
});

test.run();
