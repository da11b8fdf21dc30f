/** CVE-2019-5736: the container writes over the program that runs it. Here that is a sealed memfd, of which nobody else has a copy to lose. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type TestSpec } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('the runtime as a target');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

/** As much as a container can be given. */
function allPowerful({ process }: TestSpec): void {
  const all = ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];
  process.capabilities = { bounding: all, effective: all, permitted: all };
}

/** Writes to each program that can be reached, and says which those are. */
const overwrite = `
  for each in /proc/[0-9]*; do
    [ $each = /proc/$$ ] && continue
    echo "$(readlink $each/exe): $(printf broken 2>&1 1<> $each/exe || echo refused)"
  done 2>&1
`;

root(test)(
  'a container that is about to start shows nothing but a memfd, which nobody can write to',
  async () => {
    const attacker = lab.start(
      lab.bundle((spec) => {
        allPowerful(spec);
        spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'];
      }),
    );
    let folder = '';
    const bundle = lab.bundle((spec, own) => {
      folder = join(own, 'shared');
      mkdirSync(folder);
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      const pid = spec.linux.namespaces.find(({ type }) => type === 'pid');
      if (pid !== undefined) pid.path = `/proc/${attacker.pid}/ns/pid`;
      spec.mounts.push({ destination: '/mnt', type: 'bind', source: folder, options: ['bind'] });
      // Init waits for it.
      const script = 'echo here > /mnt/fifo; read go < /mnt/fifo';
      spec.hooks.startContainer = [{ path: '/bin/sh', args: ['sh', '-c', script] }];
      spec.process.args = ['echo', 'unharmed'];
    });
    const victim = lab.spawn(['run', '--bundle', bundle, lab.name()]);
    try {
      const said = text(victim.stdout as Readable);
      assert.is(await readFile(join(folder, 'fifo'), 'utf8'), 'here\n');
      const seen = lab.ok(['exec', attacker.id, 'sh', '-c', overwrite]);
      assert.match(seen, /^\/memfd:tsrunc-init \(deleted\): .*(refused|busy|permitted)/m);
      assert.not.match(seen, /node/);
      await writeFile(join(folder, 'fifo'), 'go\n');
      assert.is(await said, 'unharmed\n');
    } finally {
      victim.kill('SIGKILL');
      lab.ok(['delete', '--force', attacker.id]);
    }
  },
);

root(test)('an image whose program is /proc/self/exe gets no program of the host', () => {
  const bundle = lab.bundle(
    (spec, folder) => {
      allPowerful(spec);
      const bin = join(folder, 'rootfs/bin');
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, 'evil'), '#!/proc/self/exe\n', { mode: 0o755 });
      spec.process.args = ['/bin/evil'];
    },
    { rootfs: 'private' },
  );
  // The interpreter is init itself, which has nobody to talk to.
  assert.is.not(lab.tsrunc(['run', '--bundle', bundle, lab.name()]).code, 0);
  const id = lab.name();
  const direct = lab.bundle((spec) => {
    spec.process.args = ['/proc/self/exe'];
  });
  assert.is.not(lab.tsrunc(['run', '--bundle', direct, id]).code, 0);
  assert.is(lab.inside('echo unharmed'), 'unharmed');
});

lab.finish(test);
