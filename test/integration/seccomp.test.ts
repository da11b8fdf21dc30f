import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxSeccomp } from '../../ts/spec/types.js';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

const filter =
  (syscalls: LinuxSeccomp['syscalls'] & object, mutate: Mutate = () => {}): Mutate =>
  (spec, bundle) => {
    spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
    mutate(spec, bundle);
  };

const users: readonly (readonly [string, Mutate])[] = [
  ['root with no_new_privs', () => {}],
  ['root without', (spec) => void (spec.process.noNewPrivileges = false)],
  ['a user with no_new_privs', (spec) => void (spec.process.user = { uid: 1000, gid: 1000 })],
  [
    'a user without',
    (spec) => {
      spec.process.noNewPrivileges = false;
      spec.process.user = { uid: 1000, gid: 1000 };
    },
  ],
];

for (const [who, mutate] of users) {
  root(test)(`a filter answers system calls with its errno, for ${who}`, () => {
    const rules = [
      { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
      { names: ['symlink', 'symlinkat'], action: 'SCMP_ACT_ERRNO' },
    ];
    const out = lab.inside(
      'cd /dev/shm; mkdir a 2>&1; ln -s a b 2>&1; grep Seccomp: /proc/self/status',
      filter(rules, mutate),
    );
    assert.match(out, 'No space left on device');
    assert.match(out, 'Operation not permitted');
    assert.match(out, /Seccomp:\t2$/);
  });
}

root(test)('a filter kills', () => {
  const bundle = lab.bundle((spec, folder) => {
    filter([{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' }])(spec, folder);
    spec.process.args = ['mkdir', '/dev/shm/x'];
  });
  assert.is(lab.tsrunc(['run', '--bundle', bundle, lab.name()]).code, 128 + 31, 'SIGSYS');
});

for (const [op, value, valueTwo, denied, allowed] of [
  ['SCMP_CMP_EQ', 0o700, undefined, '700', '701'],
  ['SCMP_CMP_NE', 0o700, undefined, '701', '700'],
  ['SCMP_CMP_GT', 0o700, undefined, '701', '700'],
  ['SCMP_CMP_GE', 0o701, undefined, '701', '700'],
  ['SCMP_CMP_LT', 0o701, undefined, '700', '701'],
  ['SCMP_CMP_LE', 0o700, undefined, '700', '701'],
  ['SCMP_CMP_MASKED_EQ', 0o077, 0o001, '701', '702'],
] as const) {
  root(test)(`arguments are compared by ${op}`, () => {
    const args = [{ index: 1, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }];
    const fchmodat = args.map((arg) => ({ ...arg, index: 2 }));
    const out = lab.inside(
      `cd /dev/shm; touch f; chmod ${denied} f 2>&1; chmod ${allowed} f && echo fine`,
      filter([
        { names: ['chmod', 'fchmod'], action: 'SCMP_ACT_ERRNO', errnoRet: 5, args },
        { names: ['fchmodat'], action: 'SCMP_ACT_ERRNO', errnoRet: 5, args: fchmodat },
      ]),
    );
    assert.match(out, /I\/O error|Input\/output error/);
    assert.match(out, /fine$/);
  });
}

root(test)('names that no kernel knows do no harm', () => {
  const unknown = [{ names: ['not_a_system_call', 'mkdir'], action: 'SCMP_ACT_ERRNO' }];
  assert.match(lab.inside('mkdir /dev/shm/x 2>&1; true', filter(unknown)), 'not permitted');
});

lab.finish(test);
