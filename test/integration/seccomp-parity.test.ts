/**
 * What each system call of x86_64, of 32-bit x86 and of x32 is answered with under the field's default
 * profiles: by tsrunc, by runc, and without any filter.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxSeccomp } from '../../ts/spec/types.js';
import { Lab } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { containerdProfile, dockerProfile } from '../support/seccomp-profiles.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const works = (command: string, flag: string): boolean => spawnSync(command, [flag]).status === 0;
const able = skipUnless(
  process.geteuid?.() === 0 &&
    process.arch === 'x64' &&
    works('gcc', '--version') &&
    works('runc', '--version'),
  'root on x86_64, gcc and runc',
);

const source = fileURLToPath(new URL('../support/syscall-probe.c', import.meta.url));
const LAST = 480;

type Answers = ReadonlyMap<string, string>;

function read(output: string): Answers {
  const lines = output.trim().split('\n');
  assert.is(lines.length, 3 * (LAST + 1), output.slice(-200));
  return new Map(
    lines.map((line) => {
      const [abi = '', number = '', ...answer] = line.split(' ');
      return [`${abi} ${number}`, answer.join(' ')];
    }),
  );
}

function bundleWith(seccomp: LinuxSeccomp | undefined): string {
  return lab.bundle(
    (spec, folder) => {
      execFileSync('gcc', ['-O1', '-static', '-o', join(folder, 'rootfs/probe'), source]);
      spec.process.args = ['/probe', '0', String(LAST)];
      if (seccomp !== undefined) spec.linux.seccomp = seccomp;
    },
    { rootfs: 'private' },
  );
}

function underBoth(seccomp: LinuxSeccomp): { tsrunc: Answers; runc: Answers } {
  const bundle = bundleWith(seccomp);
  const tsrunc = read(lab.ok(['run', '--bundle', bundle, lab.name()]));
  const root = join(lab.folder, 'runc');
  const args = ['--root', root, 'run', '--bundle', bundle, `tsrunc-parity-${process.pid}`];
  return {
    tsrunc,
    runc: read(
      execFileSync('runc', args, { encoding: 'utf8', input: '', timeout: patience(60_000) }),
    ),
  };
}

const without = (): Answers => read(lab.ok(['run', '--bundle', bundleWith(undefined), lab.name()]));

/** Where the two answer differently: "ABI NUMBER: tsrunc's, runc's". */
function differences(a: Answers, b: Answers): string[] {
  return [...a].flatMap(([call, answer]) =>
    answer === b.get(call) ? [] : [`${call}: ${answer}, ${b.get(call)}`],
  );
}

able(test)("containerd's default profile: tsrunc and runc answer every system call alike", () => {
  const { tsrunc, runc } = underBoth(containerdProfile);
  assert.equal(differences(tsrunc, runc), []);
  // Newer than the profile: libc must see that they are not there.
  assert.is(tsrunc.get('64 441'), 'ENOSYS', 'epoll_pwait2');
  assert.is(tsrunc.get('32 480'), 'ENOSYS');
  assert.is(tsrunc.get('64 165'), 'EPERM', 'mount');
});

able(test)(
  "Docker's default profile: they differ only where runc's libseccomp knows no name",
  () => {
    const { tsrunc, runc } = underBoth(dockerProfile);
    const plain = without();
    const allowed = new Set([457, 458, 462, 463, 464, 465, 466]);
    for (const [call, answer] of tsrunc) {
      const number = Number(call.split(' ')[1]);
      // libseccomp 2.5.4, runc's, ends at futex_requeue: its rules for what the profile names beyond are lost.
      // uretprobe, too: its number is of an earlier gap.
      if (allowed.has(number) || call === '64 335')
        assert.is(answer, plain.get(call), `${call}, allowed by its name`);
      else if (number <= 456) assert.is(answer, runc.get(call), `${call} with runc`);
      // Between those that the profile names, and after the last: x32 has more from 512 on.
      else assert.is(answer, number > 466 && !call.startsWith('x32') ? 'ENOSYS' : 'EPERM', call);
    }
    assert.is(tsrunc.get('64 435'), 'ENOSYS', 'clone3');
  },
);

able(test)('without a filter, calls answer something else', () => {
  assert.not.equal(without().get('64 165'), 'EPERM');
});

lab.finish(test);
