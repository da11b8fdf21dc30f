import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, notInPath, ok } from './bed.js';
import { Podman, podmanPrograms } from './podman.js';

const bed = new Bed({ ...podmanPrograms, buildah: 'buildah' });
const podman = new Podman(bed);
bed.before(() => podman.start());

const buildah = (...args: string[]): string =>
  ok(`buildah ${args.join(' ')}`, podman.buildah(args)).trim();

bed.check('buildah run: output, exit status, user, a missing command', () => {
  const container = buildah('from', '--signature-policy', podman.policy, 'localhost/bb');
  const run = (flags: readonly string[], ...command: string[]) =>
    podman.buildah([
      'run',
      '--runtime',
      bed.runtime,
      '--isolation',
      'oci',
      '--network',
      'none',
      ...flags,
      container,
      '--',
      ...command,
    ]);
  const plain = run([], 'sh', '-c', 'echo out; echo err >&2; exit 4');
  assert.equal([plain.code, plain.stdout], [4, 'out\n']);
  assert.match(plain.stderr, /^err\n/m);
  assert.is(
    run(['--user', '1000', '--workingdir', '/home'], 'sh', '-c', 'id -u; pwd').stdout,
    '1000\n/home\n',
  );
  const missing = run([], 'nix');
  assert.is(missing.code, 1);
  assert.match(missing.stderr, notInPath);
  const tty = bed.onTerminal([
    'buildah',
    '--root',
    join(bed.folder, 'p/root'),
    '--runroot',
    join(bed.folder, 'p/runroot'),
    '--storage-driver',
    'overlay',
    'run',
    '--runtime',
    bed.runtime,
    '--isolation',
    'oci',
    '--network',
    'none',
    '--tty',
    container,
    '--',
    'sh',
    '-c',
    'tty; exit 6',
  ]);
  assert.is(tty.code, 6, tty.stdout);
  assert.match(tty.stdout, /\/dev\/pts\/0/);
  buildah('rm', container);
});

bed.check('buildah build: the steps run, and a failing one fails the build', () => {
  const context = join(bed.folder, 'context');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Containerfile'),
    'FROM localhost/bb\nRUN echo built > /made\nUSER guest\nRUN id -u > /tmp/who\nCMD cat /made /tmp/who\n',
  );
  writeFileSync(join(context, 'Failing'), 'FROM localhost/bb\nRUN exit 42\n');
  const flags = [
    'build',
    '--signature-policy',
    podman.policy,
    '--runtime',
    bed.runtime,
    '--isolation',
    'oci',
    '--network',
    'none',
  ];
  buildah(...flags, '--tag', 'built', context);
  assert.is(podman.podman(['run', '--rm', '--network', 'none', 'built']).stdout, 'built\n1000\n');
  const failed = podman.buildah([...flags, '--file', join(context, 'Failing'), context]);
  assert.is.not(failed.code, 0);
  assert.match(failed.stdout + failed.stderr, /exit status 42/);
});

bed.finish();
