/** CVE-2024-21626: a descriptor of the host that was left open, and a working directory that leads through it. */
import { closeSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('working directory');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

/** What the caller has open and hasn't given to anybody. */
function withHostFolders<T>(use: (fds: readonly number[]) => T): T {
  const fds = Array.from({ length: 5 }, () => openSync('/', 'r'));
  try {
    return use(fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** Every way to a descriptor that somebody has thought of. */
const ways = [
  ...Array.from({ length: 24 }, (_, fd) => `/proc/self/fd/${fd}`),
  '/proc/self/fd/7/../../..',
  '/proc/thread-self/fd/7',
  '/proc/1/fd/7',
  '/proc/self/cwd',
  '/proc/1/cwd',
  '/dev/fd/7',
  '/link/7',
];

for (const verb of ['run', 'exec']) {
  root(test)(`no working directory of ${verb} leads out of the container`, () => {
    const script = `ls -d ${lab.folder} 2>&1; pwd -P; ls -l /proc/self/cwd`;
    const command = ['sh', '-c', script];
    const bundle = lab.bundle(
      (spec, folder) => {
        symlinkSync('/proc/self/fd', join(folder, 'rootfs/link'));
        spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'];
      },
      { rootfs: 'private' },
    );
    const running = verb === 'exec' ? lab.start(bundle).id : '';
    for (const cwd of ways) {
      const outcome = withHostFolders((fds) => {
        if (verb === 'exec')
          return lab.tsrunc(['exec', '--cwd', cwd, running, ...command], { fds });
        const mutated = lab.bundle((spec, folder) => {
          symlinkSync(join(bundle, 'rootfs'), join(folder, 'rootfs'));
          spec.root = { path: 'rootfs' };
          spec.process.args = command;
          spec.process.cwd = cwd;
        });
        return lab.tsrunc(['run', '--bundle', mutated, lab.name()], { fds });
      });
      // Either there is no such folder, or it is one of the container's.
      if (outcome.code !== 0) assert.match(outcome.stderr, /^tsrunc (run|exec): .*\n$/, cwd);
      else assert.match(outcome.stdout, /No such file/, `${cwd}: ${outcome.stdout}`);
    }
    if (running !== '') lab.ok(['delete', '--force', running]);
  });
}

root(test)("the caller's descriptors don't get into the container", () => {
  const seen = withHostFolders((fds) => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['sh', '-c', 'for each in /proc/$$/fd/*; do readlink $each; done; true'];
    });
    return lab.ok(['run', '--bundle', bundle, lab.name()], { fds });
  });
  assert.not.match(seen, /^\/$/m);
  assert.is(seen.trim().split('\n').length, 3, seen);
});

lab.finish(test);
